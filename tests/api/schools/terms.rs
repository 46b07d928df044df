//! The current term, as the pages of students tell it.

use chrono::{Datelike, Days, NaiveDate};
use wehpu_engine::model::academic::{Term, TermDates};

use super::hpu;
use crate::support::{Replica, Student, TestApp};

/// The academic system of the school.
const ACADEMIC: &str = "undergraduate";

/// A term of 20 weeks.
fn term(name: &str, monday: NaiveDate) -> Term {
    Term { name: name.to_owned(), system_id: "1".to_owned(), dates: Some(TermDates { monday, weeks: 20 }) }
}

/// The term in whose first week it is.
fn present(app: &TestApp) -> Term {
    let today = app.clock.campus_date();
    term("2026-2027-1", today - Days::new(u64::from(today.weekday().num_days_from_monday())))
}

/// One that was over before the tests were written.
fn past() -> Term {
    term("2016-2017-1", NaiveDate::from_ymd_opt(2016, 9, 5).unwrap())
}

/// One that the tests will not see.
fn future() -> Term {
    term("2090-2091-1", NaiveDate::from_ymd_opt(2090, 9, 4).unwrap())
}

async fn tell(replica: &Replica, term: Term) {
    replica.app.terms.told(ACADEMIC, term).await.unwrap();
}

async fn shown(student: &Student<'_>) -> String {
    student.get("/api/calendar").await.expect(200).data()["currentTerm"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_page_of_an_earlier_term_moves_nobody_back_whichever_replica_is_shown_it() {
    hpu()
        .replicas(2)
        .run(async |app| {
            let student = app.student(1).await;
            tell(&app.replicas[0], present(app)).await;
            for replica in &app.replicas {
                tell(replica, past()).await;
                assert_eq!(shown(&student.at(replica)).await, present(app).name);
            }
            let stored = app.db.all("terms").await;
            assert_eq!(stored[0].get_str("label").unwrap(), present(app).name);
        })
        .await;
}

#[tokio::test]
async fn a_term_that_was_told_too_early_goes_back_when_the_calendar_says_so() {
    hpu()
        .run(async |app| {
            let student = app.student(1).await;
            tell(&app.replicas[0], future()).await;
            tell(&app.replicas[0], past()).await;
            assert_eq!(shown(&student).await, future().name);
            tell(&app.replicas[0], present(app)).await;
            assert_eq!(shown(&student).await, present(app).name);
            tell(&app.replicas[0], future()).await;
            assert_eq!(shown(&student).await, future().name, "forward it moves whenever it is told");
        })
        .await;
}
