use campus_sim::{CampusSim, Fault, System};
use serde_json::{Value, json};

use crate::support::start;

async fn log_in(sim: &CampusSim, appid: &str, secret: &str, code: &str) -> Value {
    let query = [("appid", appid), ("secret", secret), ("js_code", code), ("grant_type", "authorization_code")];
    let url = format!("{}/sns/jscode2session", sim.url("wechat"));
    let response = reqwest::Client::new().get(url).query(&query).send().await.unwrap();
    assert_eq!(response.status(), 200);
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

async fn post(sim: &CampusSim, path: &str, body: &Value) -> Value {
    let response = reqwest::Client::new().post(format!("{}{path}", sim.url("wechat"))).json(body).send().await.unwrap();
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

async fn token(sim: &CampusSim) -> String {
    let body = json!({"grant_type": "client_credential", "appid": "wx-sim-appid", "secret": "wx-sim-secret"});
    post(sim, "/cgi-bin/stable_token", &body).await["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_code_logs_in_once() {
    let sim = start().await;
    let first = log_in(&sim, "wx-sim-appid", "wx-sim-secret", "sim-alice-1").await;
    assert_eq!(first["openid"], "alice");
    assert!(first.get("errcode").is_none());
    assert_eq!(first["session_key"], sim.wechat_session_key("sim-alice-1"));
    assert_eq!(log_in(&sim, "wx-sim-appid", "wx-sim-secret", "sim-alice-1").await["errcode"], 40163);
    assert_eq!(log_in(&sim, "wx-sim-appid", "wx-sim-secret", "nonsense").await["errcode"], 40029);
    let minted = sim.wechat_code("oQ_7-x");
    assert_eq!(log_in(&sim, "wx-sim-appid", "wx-sim-secret", &minted).await["openid"], "oQ_7-x");
    assert_eq!(sim.count_of("wechat.code2session"), 4);
}

#[tokio::test]
async fn wrong_credentials_and_forced_errors_are_told_apart() {
    let sim = start().await;
    assert_eq!(log_in(&sim, "wx-other", "wx-sim-secret", "sim-a-1").await["errcode"], 40013);
    assert_eq!(log_in(&sim, "wx-sim-appid", "wrong", "sim-a-1").await["errcode"], 40125);
    sim.set_fault(System::Wechat, Fault::errcode(45011).times(1));
    assert_eq!(log_in(&sim, "wx-sim-appid", "wx-sim-secret", "sim-a-1").await["errcode"], 45011);
    assert_eq!(
        log_in(&sim, "wx-sim-appid", "wx-sim-secret", "sim-a-1").await["openid"],
        "a",
        "the code was not used up"
    );
}

#[tokio::test]
async fn a_message_is_kept_when_it_is_accepted() {
    let sim = start().await;
    let token = token(&sim).await;
    let path = format!("/cgi-bin/message/subscribe/send?access_token={token}");
    let body =
        json!({"touser": "alice", "template_id": "T1", "data": {"thing1": {"value": "成绩出来了"}}, "lang": "zh_CN"});
    assert_eq!(post(&sim, &path, &body).await["errcode"], 0);
    sim.set_subscription("alice", "T1", Some(0));
    assert_eq!(post(&sim, &path, &body).await["errcode"], 43101);
    sim.expire_access_tokens();
    assert_eq!(post(&sim, &path, &body).await["errcode"], 42001);
    let sent = sim.sent();
    assert_eq!(sent.messages.len(), 1);
    assert_eq!(sent.messages[0].body, body);
}

#[tokio::test]
async fn a_text_is_judged_and_kept() {
    let sim = start().await;
    let path = format!("/wxa/msg_sec_check?access_token={}", token(&sim).await);
    let body = |content: &str| json!({"version": 2, "scene": 2, "openid": "alice", "content": content});
    assert_eq!(post(&sim, &path, &body("食堂很好")).await["result"]["suggest"], "pass");
    assert_eq!(post(&sim, &path, &body("违规")).await["result"]["suggest"], "risky");
    assert_eq!(sim.sent().checks.len(), 2);
}
