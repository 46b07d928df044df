//! `GET /api/calendar`: which week of which term it is.

use axum::extract::State;
use chrono::{Datelike, NaiveDate};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::AppState,
    error::ApiError,
    http::{auth::Caller, envelope::Envelope, openapi::Failures},
    model::academic::{Term, TermDates},
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
fn week_of(dates: TermDates, today: NaiveDate) -> u32 {
    let days = (today - dates.monday).num_days();
    u32::try_from(days.div_euclid(7) + 1).unwrap_or(1).clamp(1, u32::from(dates.weeks))
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
pub(super) async fn calendar(State(app): State<AppState>, _caller: Caller) -> Result<Envelope<Calendar>, ApiError> {
    let Some(Term { name, dates: Some(dates), .. }) = app.terms.find_of_most_students().await? else {
        return Err(ApiError::TermUnknown);
    };
    let TermDates { monday: start, weeks } = dates;
    let calendar = Calendar {
        current_weekly: week_of(dates, app.clock.campus_date()),
        total_weekly: u32::from(weeks),
        // Without leading zeros, as the old service wrote it.
        term_start: format!("{}-{}-{}", start.year(), start.month(), start.day()),
        current_term: name,
    };
    Ok(Envelope::ok("校历获取成功", calendar))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday_and_stay_within_the_term() {
        let day = |text: &str| text.parse().unwrap();
        let dates = TermDates { monday: day("2017-09-04"), weeks: 20 };
        for (today, week) in [
            ("2017-09-04", 1),
            ("2017-09-10", 1),
            ("2017-09-11", 2),
            ("2018-01-21", 20),
            ("2018-01-22", 20),
            ("2017-08-01", 1),
        ] {
            assert_eq!(week_of(dates, day(today)), week, "{today}");
        }
    }
}
