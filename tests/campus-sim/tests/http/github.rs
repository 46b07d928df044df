use campus_sim::{CampusSim, Issue};
use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::support::start;

async fn create(sim: &CampusSim, token: &str, body: &Value) -> Response {
    let url = format!("{}/repos/hpufe/wehpu/issues", sim.url("github"));
    let request =
        Client::new().post(url).header("user-agent", "test").header("authorization", format!("Bearer {token}"));
    request.json(body).send().await.unwrap()
}

#[tokio::test]
async fn donations_are_in_issue_five_and_a_nameless_program_gets_nothing() {
    let sim = start().await;
    let url = format!("{}/repos/hpufe/wehpu/issues/5", sim.url("github"));
    assert_eq!(Client::new().get(&url).send().await.unwrap().status(), 403);
    let issue: Value = Client::new().get(&url).header("user-agent", "test").send().await.unwrap().json().await.unwrap();
    assert!(issue["body"].as_str().unwrap().contains("| 6.66rmb"));
    sim.put_issue(Issue {
        repo: "hpufe/wehpu".into(),
        number: 5,
        title: "捐助".into(),
        body: "@a | 1rmb".into(),
        labels: vec![],
    });
    let issue: Value = Client::new().get(&url).header("user-agent", "test").send().await.unwrap().json().await.unwrap();
    assert_eq!(issue["body"], "@a | 1rmb");
    let other = url.replace("/5", "/99");
    assert_eq!(Client::new().get(other).header("user-agent", "test").send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn an_issue_needs_the_token_and_a_title() {
    let sim = start().await;
    let body = json!({"title": "反馈", "body": "食堂", "labels": ["bug"]});
    assert_eq!(create(&sim, "wrong", &body).await.status(), 401);
    assert_eq!(create(&sim, "sim-github-token", &json!({"body": "x"})).await.status(), 422);
    let response = create(&sim, "sim-github-token", &body).await;
    assert_eq!(response.status(), 201);
    let issue: Value = response.json().await.unwrap();
    assert_eq!(issue["html_url"], "https://github.com/hpufe/wehpu/issues/6");
    assert_eq!(sim.sent().issues[0].labels, ["bug"]);
}
