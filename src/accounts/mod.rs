//! The end of accounts: of what [`leaving`] consists, and which of them end by themselves ([`retention`]).

pub mod leaving;
pub mod retention;
