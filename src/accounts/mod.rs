//! The end of accounts: how one leaves ([`leaving`]), what is forgotten of its student ([`forgetting`]), and which accounts
//! end by themselves ([`retention`]).

pub mod forgetting;
pub mod leaving;
pub mod retention;
