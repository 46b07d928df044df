//! Lists on several pages: all of them are read, and a list that is not whole says so.

use std::time::Duration;

use campus_sim::{Fault, Loan, Score, System};

use crate::support::{Answer, Student, TestApp, setup};

/// More than one page.
const MANY: usize = 23;

fn is_partial(answer: &Answer) -> bool {
    answer.json["meta"]["partial"] == true
}

fn rows(answer: &Answer) -> usize {
    answer.data().as_array().unwrap().len()
}

/// The student's scores become `count` different ones.
fn give_scores(app: &TestApp, student: &Student<'_>, count: usize) {
    app.sim.edit_student(&student.campus.number, |campus| {
        let one = campus.scores[0].clone();
        let numbered = |at: usize| Score { number: format!("9{at:08}"), ..one.clone() };
        campus.scores = (0..count).map(numbered).collect();
    });
}

#[tokio::test]
async fn scores_on_several_pages_are_all_shown() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            give_scores(app, &student, MANY);
            let answer = student.get("/api/score").await.expect_data(false);
            assert_eq!((rows(&answer), is_partial(&answer)), (MANY, false));
        })
        .await;
}

#[tokio::test]
async fn a_list_whose_further_page_does_not_come_says_so_wherever_it_is_served_from() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            give_scores(app, &student, 150);
            let answer = student.get("/api/score").await.expect_data(false);
            assert_eq!((rows(&answer), is_partial(&answer)), (100, true), "ten pages at most");
            app.db.replicated().await;
            let again = student.get("/api/score").await.expect_data(false);
            assert!(is_partial(&again), "from the store too: {again:?}");
            give_scores(app, &student, MANY);
            app.clock.advance(Duration::from_mins(3));
            let whole = student.get("/api/score").await.expect_data(false);
            assert!(!is_partial(&whole), "{:?}", whole.json["meta"]);
        })
        .await;
}

/// A student with `MANY` loans, one of each number, who gave the library password.
async fn reader(app: &TestApp) -> Student<'_> {
    let student = app.bound(1).await;
    app.sim.edit_student(&student.campus.number, |campus| {
        let loan = |at: usize| Loan {
            book_id: format!("{at}"),
            title: format!("书{at}"),
            copy_number: format!("C{at:07}"),
            place: "南校区".to_owned(),
            renewals: 0,
            lent_on: "2017-11-02".to_owned(),
            due_on: "2017-12-02".to_owned(),
            overdue: "未超期".to_owned(),
            renewable: true,
        };
        campus.loans = (0..MANY).map(loan).collect();
    });
    student.change("libPassWord", &student.campus.library_password).await.expect(201);
    student
}

#[tokio::test]
async fn loans_on_several_pages_are_all_shown_and_one_on_the_last_can_be_renewed() {
    setup()
        .run(async |app| {
            let student = reader(app).await;
            let answer = student.get("/api/library/borrowing").await.expect_data(false);
            assert_eq!((rows(&answer), is_partial(&answer)), (MANY, false));
            let last = format!("C{:07}", MANY - 1);
            student.post_form("/api/library/renew", &[("number", &last)]).await.expect_data(false);
            app.db.replicated().await;
            let after = student.get("/api/library/borrowing").await.expect_data(false);
            assert_eq!(rows(&after), MANY, "the page of the answer is not the list");
            assert_eq!(after.data()[MANY - 1]["times"], "1");
        })
        .await;
}

#[tokio::test]
async fn a_part_of_a_list_never_takes_the_place_of_more_rows() {
    setup()
        .run(async |app| {
            let student = reader(app).await;
            student.get("/api/library/borrowing").await.expect_data(false);
            app.clock.advance(Duration::from_mins(10));
            app.sim.set_fault(System::Library, Fault::garbage().on("renew"));
            let answer = student.get("/api/library/borrowing").await.expect_data(true);
            assert_eq!((rows(&answer), is_partial(&answer)), (MANY, false), "what is stored is served");
            app.sim.clear_faults();
            let answer = student.get("/api/library/borrowing").await.expect_data(false);
            assert_eq!(rows(&answer), MANY);
        })
        .await;
}
