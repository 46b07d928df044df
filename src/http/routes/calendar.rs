//! `GET /api/calendar`: which week of which term it is.

use axum::extract::State;
use chrono::{Datelike, NaiveDate};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::AppState,
    config::Term,
    http::{auth::Caller, envelope::Envelope, openapi::Failures},
};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Calendar {
    current_weekly: u32,
    total_weekly: u32,
    term_start: String,
    current_term: String,
}

/// The week of the term that `today` falls into: the first before the term, the last after it, since the client shows
/// the table of that week.
fn week_of(term: &Term, today: NaiveDate) -> u32 {
    let days = (today - term.start).num_days();
    u32::try_from(days.div_euclid(7) + 1).unwrap_or(1).clamp(1, term.weeks)
}

/// Which week of which term it is.
#[utoipa::path(
    get,
    path = "/api/calendar",
    operation_id = "getCalendar",
    tag = "study",
    security(("token" = [])),
    responses((status = 200, body = Envelope<Calendar>, description = "today"), Failures)
)]
pub(super) async fn calendar(State(app): State<AppState>, _caller: Caller) -> Envelope<Calendar> {
    let term = &app.config.term;
    let start = term.start;
    Envelope::ok(
        "校历获取成功",
        Calendar {
            current_weekly: week_of(term, app.clock.campus_date()),
            total_weekly: term.weeks,
            // Without leading zeros, as the old service wrote it.
            term_start: format!("{}-{}-{}", start.year(), start.month(), start.day()),
            current_term: term.name.clone(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday_and_stay_within_the_term() {
        let day = |text: &str| text.parse().unwrap();
        let term = Term { name: "2017-2018-1-1".to_owned(), start: day("2017-09-04"), weeks: 20 };
        for (today, week) in [
            ("2017-09-04", 1),
            ("2017-09-10", 1),
            ("2017-09-11", 2),
            ("2018-01-21", 20),
            ("2018-01-22", 20),
            ("2017-08-01", 1),
        ] {
            assert_eq!(week_of(&term, day(today)), week, "{today}");
        }
    }
}
