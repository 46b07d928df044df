//! One file per feature, each ending in `router()`.

pub mod article_feeds;
pub mod article_subscription;
pub mod articles;
pub mod bind;
pub mod calendar;
pub mod classroom;
pub mod course;
pub mod course_calendar;
pub mod donation;
pub mod export;
pub mod feedback;
pub mod files;
pub mod index;
pub mod leaving;
pub mod library;
pub mod login;
pub mod notify;
pub mod other_accounts;
pub mod physical;
pub mod repair;
pub mod score;
pub mod upload;
pub mod user;
