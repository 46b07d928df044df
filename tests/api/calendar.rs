//! `GET /api/calendar`.

use serde_json::json;
use wehpu_engine::clock::Clock;

use crate::support::{Student, setup};

/// What the calendar shows at this moment (RFC 3339).
async fn calendar_at(moment: &str, week: u32) {
    let now = chrono::DateTime::parse_from_rfc3339(moment).unwrap().to_utc();
    setup()
        .clock(Clock::fixed(now))
        .run(async |app| {
            let student = Student::log_in(app, "alice", app.sim.student_at(1)).await;
            let answer = student.get("/api/calendar").await.expect(200);
            let expected = json!({
                "currentWeekly": week, "totalWeekly": 20, "termStart": "2017-9-4", "currentTerm": "2017-2018-1-1"
            });
            assert_eq!(*answer.data(), expected, "{moment}");
        })
        .await;
}

#[tokio::test]
async fn the_first_day_of_the_term_is_in_week_one() {
    calendar_at("2017-09-04T00:00:00+08:00", 1).await;
}

#[tokio::test]
async fn a_week_ends_on_sunday_midnight_at_the_university() {
    calendar_at("2017-09-10T23:59:59+08:00", 1).await;
    calendar_at("2017-09-10T16:00:00Z", 2).await;
}

#[tokio::test]
async fn the_week_stays_within_the_term() {
    calendar_at("2017-08-20T12:00:00+08:00", 1).await;
    calendar_at("2018-01-21T12:00:00+08:00", 20).await;
    calendar_at("2018-03-01T12:00:00+08:00", 20).await;
}

#[tokio::test]
async fn the_calendar_needs_no_campus_and_no_bind() {
    setup()
        .run(async |app| {
            app.student(1).await.get("/api/calendar").await.expect(200);
            assert_eq!(app.campus_requests(), 0);
        })
        .await;
}
