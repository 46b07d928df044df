//! What clients are told of a school, and what a school does not have.

use campus_sim::System;
use reqwest::Method;
use serde_json::{Value, json};
use wehpu_engine::school::Ability;

use super::{
    bind, hpu,
    played::{DEMO_ZF, HPU},
};
use crate::support::setup;

#[tokio::test]
async fn what_the_school_does_not_have_is_named_and_costs_no_request() {
    hpu()
        .run(async |app| {
            let student = app.student(1).await;
            bind(&student).await.expect(201);
            app.sim.reset_counts();
            for path in ["/api/physical", "/api/library/borrowing", "/api/library/books?q=x", "/api/library/books/1"] {
                student.get(path).await.expect_error(404, "NOT_OFFERED");
            }
            for system in [System::Library, System::Physical, System::Repair] {
                assert_eq!(app.sim.count(system), 0);
            }
        })
        .await;
}

#[tokio::test]
async fn clients_are_told_which_school_it_is_and_what_it_has() {
    hpu()
        .run(async |app| {
            let response = app.request(Method::GET, "/api/app").send().await.unwrap();
            let tag = response.headers()["etag"].clone();
            let text = response.text().await.unwrap();
            assert!(text.len() <= 4096, "{} bytes", text.len());
            let told: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(told["data"]["school"]["id"], "hpu");
            assert_eq!(told["data"]["bind"]["passwords"], "one");
            assert_eq!(told["data"]["academics"][0]["offers"], json!(["table", "scores", "rooms", "record", "terms"]));
            let again = app.request(Method::GET, "/api/app").header("if-none-match", tag).send().await.unwrap();
            assert_eq!(again.status(), 304);
        })
        .await;
}

#[tokio::test]
async fn an_ability_without_an_endpoint_is_not_offered() {
    for school in [HPU, DEMO_ZF] {
        school
            .setup()
            .run(async |app| {
                let profile = &app.replicas[0].app.config.school.academics[0];
                assert!(profile.abilities.has(Ability::Exams) && profile.abilities.has(Ability::Plan));
                let expected = json!(["table", "scores", "rooms", "record", "terms"]);
                let told = app.request(Method::GET, "/api/app").send().await.unwrap().json::<Value>().await.unwrap();
                assert_eq!(told["data"]["academics"][0]["offers"], expected);
                let student = school.student(app, 1).await;
                school.bind(&student).await.expect(201);
                assert_eq!(student.get("/api/user").await.data()["offers"], expected);
            })
            .await;
    }
}

#[tokio::test]
async fn a_number_of_no_student_of_the_school_is_refused_without_a_request() {
    hpu()
        .run(async |app| {
            let student = app.student(1).await;
            let fields = [("studentId", "12345678"), ("password", "x")];
            let refused = student.post_form("/api/bind", &fields).await;
            refused.expect_error(400, "BAD_REQUEST");
            assert_eq!(app.sim.count(System::Cas), 0);
        })
        .await;
}

#[tokio::test]
async fn the_default_school_needs_no_setting() {
    setup()
        .run(async |app| {
            assert_eq!(app.replicas[0].app.config.school.id, "hpu-urp");
        })
        .await;
}
