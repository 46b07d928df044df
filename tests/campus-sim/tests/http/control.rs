use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::academic;
use crate::support::{Browser, start};

async fn ask(base: &str, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let mut request = Client::new().request(method, format!("{base}/_sim/{path}"));
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
}

#[tokio::test]
async fn students_are_listed_added_changed_and_removed() {
    let sim = start().await;
    let base = sim.base_url();
    assert_eq!(ask(base, Method::GET, "healthz", None).await.0, 200);
    let (_, list) = ask(base, Method::GET, "students?limit=2", None).await;
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!(list[1]["studentId"], "311509000001");
    assert_eq!(list[1]["vpnPassword"], "vpn-000001");

    let (status, new) =
        ask(base, Method::POST, "students", Some(json!({"studentId": "2017001", "name": "陈测试"}))).await;
    assert_eq!((status, &new["name"]), (201, &json!("陈测试")));
    assert!(new["courses"].as_array().unwrap().len() > 5, "what is not given is invented");
    let change = json!({"studentId": "2017001", "vpnPassword": "x", "courses": []});
    assert_eq!(ask(base, Method::POST, "students", Some(change)).await.0, 200);
    let (_, shown) = ask(base, Method::GET, "students/2017001", None).await;
    assert_eq!((&shown["vpnPassword"], &shown["courses"]), (&json!("x"), &json!([])));
    assert_eq!(ask(base, Method::DELETE, "students/2017001", None).await.0, 204);
    assert_eq!(ask(base, Method::GET, "students/2017001", None).await.0, 404);
}

#[tokio::test]
async fn faults_are_set_listed_and_cleared() {
    let sim = start().await;
    let base = sim.base_url();
    let fault = json!({"mode": "maintenance", "times": 1});
    assert_eq!(ask(base, Method::PUT, "faults/vpn", Some(fault)).await.0, 204);
    let (_, faults) = ask(base, Method::GET, "faults", None).await;
    assert_eq!(faults, json!([{"system": "vpn", "fault": {"mode": "maintenance", "times": 1}}]));
    let page = Browser::new(&sim).vpn_login("311509000001", "vpn-000001").await;
    assert!(page.contains("系统维护中"));
    assert_eq!(ask(base, Method::GET, "faults", None).await.1, json!([]));
    assert_eq!(ask(base, Method::DELETE, "faults", None).await.0, 204);
}

#[tokio::test]
async fn counts_are_shown_and_reset() {
    let sim = start().await;
    Browser::signed_in(&sim, 1).await;
    let base = sim.base_url();
    let _ = Client::new().get(format!("{base}/nowhere")).send().await.unwrap();
    let (_, counts) = ask(base, Method::GET, "counts", None).await;
    let urp = &counts["systems"]["urp"];
    assert_eq!(
        (&urp["total"], &urp["operations"]["captcha"], &urp["outcomes"]["login.ok"]),
        (&json!(2), &json!(1), &json!(1))
    );
    assert_eq!(counts["unexpected"], json!(["GET /nowhere"]));
    assert_eq!(ask(base, Method::DELETE, "counts", None).await.0, 204);
    assert_eq!(ask(base, Method::GET, "counts", None).await.1["systems"], json!({}));
}

#[tokio::test]
async fn captchas_and_sessions_are_under_control() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    let base = sim.base_url();
    let captcha = browser.captcha(&sim).await;
    let (_, answer) = ask(base, Method::GET, &format!("captcha/{}", browser.vpn_session()), None).await;
    assert_eq!(answer, json!({"answer": captcha}));
    assert_eq!(ask(base, Method::POST, "captcha", Some(json!({"reject_next": 1}))).await.0, 204);
    assert!(browser.urp_login("311509000001", "jwc-000001", &captcha).await.contains("验证码错误"));
    assert_eq!(ask(base, Method::POST, "sessions/expire", None).await.0, 204);
    assert_eq!(ask(base, Method::GET, &format!("captcha/{}", browser.vpn_session()), None).await.0, 404);
}

#[tokio::test]
async fn the_cas_and_the_academic_system_are_under_control() {
    let sim = start().await;
    let base = sim.base_url();
    assert_eq!(ask(base, Method::PUT, "cas/captcha", Some(json!({"need": "always"}))).await.0, 204);
    let browser = academic::Browser::new(&sim);
    let token = browser.captcha("").await;
    let (_, answer) = ask(base, Method::GET, &format!("cas/captcha/{token}"), None).await;
    assert_eq!(answer["answer"].as_str(), sim.cas_captcha_answer(&token).as_deref());
    let login = browser.cas_address().await;
    let page = browser.text(&login).await;
    let captcha = (answer["answer"].as_str().unwrap(), &*token);
    let done = browser.submit(&login, &page, "311509000001", "uia-000001", Some(captcha)).await;
    browser.follow(academic::location(&done)).await;
    assert_eq!(ask(base, Method::GET, &format!("cas/captcha/{token}"), None).await.0, 404);

    assert_eq!(ask(base, Method::PUT, "pace/eams", Some(json!({"millis": 60_000}))).await.0, 204);
    browser.page("stdDetail.action").await;
    assert!(browser.page("stdDetail.action").await.contains("请不要过快点击"));
    assert_eq!(ask(base, Method::PUT, "pace/eams", Some(json!({"millis": null}))).await.0, 204);
    let fault = json!({"mode": "no-permission", "operation": "record", "times": 1});
    assert_eq!(ask(base, Method::PUT, "faults/eams", Some(fault)).await.0, 204);
    assert!(browser.page("stdDetail.action").await.contains("没有权限"));
    assert_eq!(ask(base, Method::PUT, "jwglxt/captcha", Some(json!({"kind": "slider"}))).await.0, 204);
    assert_eq!(ask(base, Method::PUT, "one-login/eams", Some(json!({"on": true}))).await.0, 204);
    assert_eq!(ask(base, Method::POST, "sessions/expire", Some(json!({"system": "cas"}))).await.0, 204);
    assert_eq!(browser.get(&login).await.status(), 200, "the ticket cookie is over");
}

#[tokio::test]
async fn codes_are_minted_and_profiles_encrypted() {
    let sim = start().await;
    let base = sim.base_url();
    let (_, minted) = ask(base, Method::POST, "wechat/codes", Some(json!({"openid": "o-1"}))).await;
    assert!(minted["code"].as_str().unwrap().len() > 20);
    let order = json!({"code": minted["code"], "profile": {"nickName": "小明"}});
    let (status, sent) = ask(base, Method::POST, "wechat/encrypt", Some(order)).await;
    assert_eq!((status, &sent["code"]), (200, &minted["code"]));
    assert!(sent["encryptedData"].is_string() && sent["iv"].is_string());
    assert_eq!(ask(base, Method::GET, "sent", None).await.1["messages"], json!([]));
}

#[tokio::test]
async fn what_is_wrong_with_an_order_is_said_in_json() {
    let sim = start().await;
    let base = sim.base_url();
    let cases = [
        (Method::PUT, "faults/urb", Some(json!({"mode": "hang"})), 404, "urb"),
        (Method::PUT, "faults/urp", Some(json!({"mode": "slow"})), 400, "millis"),
        (Method::PUT, "faults/urp", Some(json!({"mode": "sleepy"})), 400, "sleepy"),
        (Method::PUT, "faults/urp", Some(json!({"mode": "errcode", "errcode": 1})), 400, "wechat"),
        (Method::PUT, "faults/urp", None, 400, "EOF"),
        (Method::PUT, "faults/urp", Some(json!({"mode": "locked"})), 400, "cas"),
        (Method::PUT, "faults/eams", Some(json!({"mode": "week-origin"})), 400, "origin"),
        (Method::PUT, "faults/cas", Some(json!({"mode": "late-ticket", "millis": 1, "text": "x"})), 400, "text"),
        (Method::PUT, "cas/captcha", Some(json!({"need": "often"})), 400, "often"),
        (Method::PUT, "pace/urp", Some(json!({"millis": 1})), 400, "urp"),
        (Method::PUT, "one-login/vpn", Some(json!({"on": true})), 400, "vpn"),
        (Method::GET, "eams/captcha/1", None, 404, "captcha"),
        (Method::PUT, "jwglxt/captcha", Some(json!({"kind": "riddle"})), 400, "riddle"),
        (Method::GET, "jwglxt/captcha/1", None, 404, "captcha"),
        (Method::POST, "students", Some(json!({"studentId": "../x"})), 400, "studentId"),
        (Method::POST, "students", Some(json!({"studentId": "1", "nmae": "x"})), 400, "nmae"),
        (Method::GET, "students?limit=x", None, 400, "limit"),
        (Method::GET, "students/1", None, 404, "1"),
        (Method::GET, "nothing", None, 404, "nothing"),
        (Method::DELETE, "healthz", None, 405, "healthz"),
    ];
    for (method, path, body, status, word) in cases {
        let (answered, answer) = ask(base, method.clone(), path, body).await;
        assert_eq!(answered, status, "{method} {path}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(word), "{method} {path}: {answer}");
    }
}
