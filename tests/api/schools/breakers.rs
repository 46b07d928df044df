//! Two academic systems of one kind at one school.

use campus_sim::CampusSim;
use reqwest::Method;
use serde_json::{Value, json};

use super::played::DEMO_ZF;
use crate::support::setup;

/// More failures in a row than trip a breaker.
const MANY: usize = 6;

/// The demonstration school, whose system for postgraduates is at an address where nobody answers.
fn postgraduates_away(sim: &CampusSim) -> String {
    let profile = sim.profile("demo-zf").unwrap();
    let lines = profile.lines().map(|line| match line {
        base if base.ends_with("/yjs\"") => "base = \"http://127.0.0.1:1/yjs\"",
        other => other,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn one_of_two_systems_of_a_kind_is_down_alone() {
    setup()
        .profile(postgraduates_away)
        .run(async |app| {
            let postgraduate = app.student(2).await.with_account(app.sim.student("902409000002").unwrap());
            for _ in 0..MANY {
                let tried = postgraduate.try_bind("ignored", &postgraduate.campus.zf_password).await;
                tried.expect_error(503, "CAMPUS_DOWN");
            }
            let told = app.request(Method::GET, "/api/app").send().await.unwrap().json::<Value>().await.unwrap();
            let systems = json!([
                { "system": "jwglxt/undergraduate", "state": "ok" },
                { "system": "jwglxt/postgraduate", "state": "down" },
            ]);
            assert_eq!(told["data"]["systems"], systems);
            DEMO_ZF.reader(app, 1).await;
        })
        .await;
}
