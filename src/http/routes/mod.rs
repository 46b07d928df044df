//! The endpoints: a file per feature with what answers them, and the table of them all.

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
pub mod school;
pub mod score;
pub mod session;
pub mod upload;
pub mod user;

use axum::routing::{MethodFilter, MethodRouter, on};
use utoipa::OpenApi;

use crate::app::AppState;

/// A line of the table.
pub struct Route {
    /// Where it is.
    pub path: &'static str,
    /// What answers the methods of the line.
    pub handler: MethodRouter<AppState>,
    /// Gives what the handler says of itself.
    pub description: fn() -> utoipa::openapi::OpenApi,
    #[cfg(test)]
    methods: &'static [&'static str],
}

macro_rules! table {
    ($($method:ident $(| $more:ident)* $path:literal $feature:ident :: $handler:ident;)+) => {
        vec![$(Route {
            path: $path,
            handler: on(MethodFilter::$method $(.or(MethodFilter::$more))*, $feature::$handler),
            description: {
                #[derive(OpenApi)]
                #[openapi(paths($feature::$handler))]
                struct Described;
                Described::openapi
            },
            #[cfg(test)]
            methods: &[stringify!($method) $(, stringify!($more))*],
        }),+]
    };
}

/// Every endpoint: methods, path, handler. The attribute on the handler repeats the first two for the description; a test
/// holds them together.
#[must_use]
pub fn table() -> Vec<Route> {
    table! {
        GET      "/"                        index::index;
        POST     "/api/login"               login::login;
        POST     "/api/logout"              leaving::logout;
        POST     "/api/bind"                bind::bind;
        DELETE   "/api/bind"                leaving::unbind;
        POST     "/api/session"             session::open;
        GET      "/api/app"                 school::app;
        GET      "/api/user"                user::own;
        PUT      "/api/user"                user::change;
        DELETE   "/api/user"                leaving::delete;
        GET      "/api/user/{id}"           user::other;
        GET      "/api/me/accounts"         other_accounts::list;
        DELETE   "/api/me/accounts/others"  other_accounts::unbind_others;
        GET      "/api/me/export"           export::export;
        GET      "/api/calendar"            calendar::calendar;
        GET      "/api/course"              course::course;
        GET      "/api/course.ics"          course_calendar::calendar;
        POST     "/api/course/subscription" course_calendar::subscribe;
        DELETE   "/api/course/subscription" course_calendar::unsubscribe;
        GET      "/api/score"               score::scores;
        GET      "/api/score/summary"       score::summary;
        POST     "/api/classroom"           classroom::classrooms;
        GET      "/api/physical"            physical::physical;
        GET      "/api/library/borrowing"   library::borrowing;
        POST     "/api/library/renew"       library::renew;
        GET      "/api/library/books"       library::search;
        GET      "/api/library/books/{id}"  library::copies;
        POST     "/api/rsp/repair"          repair::repair;
        GET      "/api/rss/{classify}"      articles::list;
        GET      "/api/rss/{classify}/{id}" articles::article;
        GET      "/api/rss/news.atom"       article_feeds::feed;
        GET      "/api/rss/logistics.atom"  article_feeds::feed;
        GET      "/api/rss/lecture.atom"    article_feeds::feed;
        GET      "/api/rss/notice.atom"     article_feeds::feed;
        POST     "/api/rss/subscription"    article_subscription::subscribe;
        DELETE   "/api/rss/subscription"    article_subscription::unsubscribe;
        GET      "/api/upload"              upload::list;
        POST     "/api/upload"              upload::upload;
        DELETE   "/api/upload/{name}"       upload::remove;
        GET|HEAD "/files/{name}"            files::file;
        POST     "/api/notify"              notify::notify;
        POST     "/api/feedback"            feedback::feedback;
        GET      "/api/donation"            donation::donation;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::CLASSES;

    /// The method and the path that the attribute on a handler names.
    fn described(route: &Route) -> (Vec<String>, String) {
        let (path, item) = (route.description)().paths.paths.pop_first().unwrap();
        let item = serde_json::to_value(item).unwrap();
        (item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect(), path)
    }

    /// Whether `path` is `described`, or that with a class in the place of its parameter.
    fn is_described_as(path: &str, described: &str) -> bool {
        path == described || CLASSES.iter().any(|class| path == described.replace("{classify}", class.name()))
    }

    #[test]
    fn a_handler_is_described_with_the_methods_and_the_path_of_its_line() {
        for route in table() {
            let (methods, path) = described(&route);
            assert_eq!(methods, route.methods, "{}", route.path);
            assert!(is_described_as(route.path, &path), "{} is described as {path}", route.path);
        }
    }

    #[test]
    fn no_two_types_have_one_name_in_the_description() {
        let mut known = BTreeMap::new();
        for route in table() {
            for (name, schema) in (route.description)().components.unwrap_or_default().schemas {
                let first = known.entry(name.clone()).or_insert_with(|| schema.clone());
                assert!(*first == schema, "{}: another {name} is described elsewhere", route.path);
            }
        }
    }

    #[test]
    fn every_class_has_a_feed() {
        let paths: Vec<&str> = table().iter().map(|route| route.path).collect();
        for class in CLASSES {
            let feed = format!("/api/rss/{}.atom", class.name());
            assert!(paths.contains(&&*feed), "{feed}");
        }
    }
}
