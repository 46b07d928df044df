//! The library: loans, search, copies.

use std::time::Duration;

use campus_sim::{Fault, Loan, System};
use serde_json::{Value, json};

use crate::support::{Student, TestApp, setup};

const BORROWING: &str = "/api/library/borrowing";

/// What the contract makes of the loans the campus knows.
fn shown(loans: &[Loan]) -> Value {
    let loan = |l: &Loan| {
        json!({
            "renew": l.renewable, "name": l.title, "place": l.place, "number": l.copy_number,
            "times": l.renewals.to_string(), "start": l.lent_on, "end": l.due_on, "remain": l.overdue,
        })
    };
    loans.iter().map(loan).collect()
}

/// A student with loans who is bound and gave the right library password.
async fn reader(app: &TestApp) -> Student<'_> {
    let borrowers = app.sim.students(1, 20).into_iter().enumerate();
    let (index, _) = borrowers.into_iter().find(|(_, student)| student.loans.len() > 1).unwrap();
    let student = app.bound(index + 1).await;
    student.change("libPassWord", &student.campus.library_password).await.expect(201);
    student
}

#[tokio::test]
async fn loans_are_those_of_the_campus() {
    setup()
        .run(async |app| {
            let student = reader(app).await;
            let answer = student.get(BORROWING).await.expect_data(false);
            assert_eq!(*answer.data(), shown(&student.campus.loans));
        })
        .await;
}

#[tokio::test]
async fn without_a_library_password_the_student_is_asked_for_it() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            student.get(BORROWING).await.expect_error(400, "NO_LIBRARY_PASSWORD");
            assert_eq!(app.sim.count(System::Library), 0);
        })
        .await;
}

#[tokio::test]
async fn a_wrong_library_password_is_sent_once_until_another_is_given() {
    setup()
        .run(async |app| {
            let student = reader(app).await;
            student.change("libPassWord", "guess").await.expect(201);
            for _ in 0..3 {
                student.get(BORROWING).await.expect_error(400, "WRONG_PASSWORD");
            }
            assert_eq!(app.sim.count_of("library.login"), 1);
            student.change("libPassWord", &student.campus.library_password).await.expect(201);
            assert_eq!(*student.get(BORROWING).await.expect_data(false).data(), shown(&student.campus.loans));
        })
        .await;
}

#[tokio::test]
async fn no_loans_is_an_empty_list_and_replaces_the_former_loans() {
    setup()
        .run(async |app| {
            let student = reader(app).await;
            student.get(BORROWING).await.expect_data(false);
            app.sim.edit_student(&student.campus.number, |campus| campus.loans.clear());
            app.clock.advance(Duration::from_mins(6));
            assert_eq!(*student.get(BORROWING).await.expect_data(false).data(), json!([]));
        })
        .await;
}

#[tokio::test]
async fn an_outage_of_the_library_leaves_the_stored_loans() {
    setup()
        .run(async |app| {
            let student = reader(app).await;
            let stored = student.get(BORROWING).await.expect_data(false);
            app.db.replicated().await;
            for fault in [Fault::maintenance(), Fault::server_error(), Fault::garbage()] {
                app.clock.advance(Duration::from_mins(6));
                app.sim.set_fault(System::Library, fault);
                assert_eq!(student.get(BORROWING).await.expect_data(true).data(), stored.data());
            }
        })
        .await;
}

#[tokio::test]
async fn a_session_of_the_library_that_ended_is_opened_again() {
    setup()
        .run(async |app| {
            let student = reader(app).await;
            student.get(BORROWING).await.expect_data(false);
            app.sim.expire_sessions(Some(System::Library));
            app.clock.advance(Duration::from_mins(6));
            student.get(BORROWING).await.expect_data(false);
            assert_eq!(app.sim.count_of("library.login.ok"), 2);
        })
        .await;
}

#[tokio::test]
async fn books_are_found_by_title() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            for words in ["Rust", "地质学", "& 实践", "(第2版)"] {
                let request = student.request(reqwest::Method::GET, "/api/library/books").query(&[("q", words)]);
                let answer = student.send(request).await.expect_data(false);
                let expected: Value = app
                    .sim
                    .find_books(words)
                    .iter()
                    .take(30)
                    .map(|b| {
                        json!({
                            "title": b.title, "id": b.id, "callNumber": b.call_number, "author": b.author,
                            "publisher": b.publisher,
                        })
                    })
                    .collect();
                assert_eq!(*answer.data(), expected, "{words}");
            }
        })
        .await;
}

#[tokio::test]
async fn the_first_fifteen_characters_of_a_search_count() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let title = "Rust程序设计: 方法与案例";
            let (known, cut) = (format!("{title}的前十五个字"), title.chars().take(15).collect::<String>());
            for q in [known.as_str(), &cut] {
                let request = student.request(reqwest::Method::GET, "/api/library/books").query(&[("q", q)]);
                let answer = student.send(request).await.expect_data(false);
                assert_eq!(answer.data().as_array().unwrap().len(), app.sim.find_books(&cut).len().min(30));
            }
            app.db.replicated().await;
            assert_eq!(app.sim.count_of("library.search"), 1, "it is one and the same search");
        })
        .await;
}

#[tokio::test]
async fn a_search_without_words_is_400_and_one_without_books_404() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            for query in ["", "?q=", "?q=%20%20", "?words=x"] {
                student.get(&format!("/api/library/books{query}")).await.expect_error(400, "BAD_REQUEST");
            }
            assert_eq!(app.sim.count(System::Library), 0);
            student.get("/api/library/books?q=zzzz").await.expect_error(404, "NOT_FOUND");
        })
        .await;
}

#[tokio::test]
async fn copies_of_a_book_tell_whether_they_are_in() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            for book in app.sim.find_books("地质学").into_iter().take(3) {
                let answer = student.get(&format!("/api/library/books/{}", book.id)).await.expect_data(false);
                let copies = answer.data().as_array().unwrap();
                assert_eq!(copies.len(), book.copies.len());
                for (shown, copy) in copies.iter().zip(&book.copies) {
                    assert!(shown["place"].as_str().unwrap().starts_with(&copy.place), "{shown}");
                    let (start, end) = copy.lent.clone().unwrap_or_default();
                    assert_eq!((&shown["start"], &shown["end"]), (&json!(start), &json!(end)));
                    assert_eq!(shown["state"], u8::from(copy.lent.is_none()));
                }
            }
        })
        .await;
}

#[tokio::test]
async fn an_id_of_no_book_is_404() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            for id in ["1", "9999999999"] {
                student.get(&format!("/api/library/books/{id}")).await.expect_error(404, "NOT_FOUND");
            }
            app.sim.reset_counts();
            for id in ["..%2FBorrowing.aspx", "1%26id%3D2", "%20", "%E4%B8%AD", "123456789012345678901"] {
                student.get(&format!("/api/library/books/{id}")).await.expect_error(404, "NOT_FOUND");
            }
            assert_eq!(app.sim.count(System::Library), 0);
        })
        .await;
}

#[tokio::test]
async fn a_renewed_loan_is_shown_as_it_is_then_and_so_is_the_list() {
    setup()
        .run(async |app| {
            let (student, loan) = reader_with(app, true).await;
            let answer = student.post_form(RENEW, &[("number", &loan.copy_number)]).await.expect_data(false);
            assert_eq!(answer.data()["number"], loan.copy_number);
            assert_eq!(answer.data()["times"], (loan.renewals + 1).to_string());
            assert_eq!(answer.data()["renew"], false);
            assert_ne!(answer.data()["end"], loan.due_on);
            app.sim.reset_counts();
            app.db.replicated().await;
            let list = student.get(BORROWING).await.expect_data(false);
            assert!(list.data().as_array().unwrap().contains(answer.data()), "{list:?}");
            assert_eq!(app.sim.count(System::Library), 0, "the list came with the renewal");
        })
        .await;
}

#[tokio::test]
async fn what_cannot_be_renewed_says_why() {
    setup()
        .run(async |app| {
            let (student, loan) = reader_with(app, false).await;
            student.post_form(RENEW, &[("number", "0000000")]).await.expect_error(404, "NOT_FOUND");
            student.post_form(RENEW, &[]).await.expect_error(400, "BAD_REQUEST");
            student.post_json(RENEW, &json!({ "number": loan.copy_number })).await.expect_error(400, "BAD_REQUEST");
            app.sim.set_fault(System::Library, Fault::server_error());
            student.post_form(RENEW, &[("number", &loan.copy_number)]).await.expect_error(503, "CAMPUS_DOWN");
            app.student(2).await.post_form(RENEW, &[("number", "1")]).await.expect_error(400, "NOT_BOUND");
        })
        .await;
}

const RENEW: &str = "/api/library/renew";

/// A reader, and one of his loans that can or cannot be renewed.
async fn reader_with(app: &TestApp, renewable: bool) -> (Student<'_>, Loan) {
    let student = reader(app).await;
    app.sim.edit_student(&student.campus.number, |campus| campus.loans[0].renewable = renewable);
    let loan = app.sim.student(&student.campus.number).unwrap().loans[0].clone();
    (student, loan)
}
