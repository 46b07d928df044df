use campus_sim::{Fault, System};

use crate::support::{Browser, encrypt, start, texts};

#[tokio::test]
async fn the_right_password_leads_to_the_service_page_and_a_session() {
    let sim = start().await;
    let browser = Browser::new(&sim);
    let page = browser.vpn_login("311509000001", "vpn-000001").await;
    assert!(page.contains("欢迎您"), "{page}");
    assert_eq!(browser.vpn_session().len(), 32);
    assert_eq!((sim.count_of("vpn.login"), sim.count_of("vpn.login.ok"), sim.count_of("vpn.service")), (1, 1, 1));
    sim.assert_no_unexpected_traffic();
}

#[tokio::test]
async fn the_redirect_keeps_the_prefix_of_the_base_url() {
    let sim = start().await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let form = [("svpn_name", "311509000001".to_owned()), ("svpn_password", encrypt("vpn-000001"))];
    let url = format!("{}/por/login_psw.csp?sfrnd=7&encrypt=1", sim.url("vpn"));
    let response = client.post(url).form(&form).send().await.unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(response.headers()["location"], "/vpn/por/service.csp?sfrnd=7");
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("TWFID=") && cookie.contains("HttpOnly"), "{cookie}");
}

#[tokio::test]
async fn whatever_is_wrong_with_a_login_the_login_page_comes_back() {
    let sim = start().await;
    let client = reqwest::Client::new();
    let cases = [
        ("encrypt=1", "311509000001", encrypt("wrong")),
        ("encrypt=1", "999", encrypt("vpn-000001")),
        ("encrypt=1", "311509000001", "vpn-000001".to_owned()),
        ("encrypt=1", "311509000001", "00".repeat(128)),
        ("encrypt=1", "311509000001", String::new()),
        ("encrypt=0", "311509000001", encrypt("vpn-000001")),
    ];
    for (query, number, password) in &cases {
        let url = format!("{}/por/login_psw.csp?sfrnd=7&{query}", sim.url("vpn"));
        let form = [("svpn_name", *number), ("svpn_password", password)];
        let response = client.post(url).form(&form).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.headers().get("set-cookie").is_none());
        let page = response.text().await.unwrap();
        assert_eq!(texts(&page, "title"), ["登录 SSL VPN"], "{query} {number} {password}");
        assert!(!texts(&page, "#errmsg")[0].is_empty());
    }
    assert_eq!(sim.count_of("vpn.login.refused"), cases.len() as u64);
}

#[tokio::test]
async fn an_inner_page_needs_a_session_of_the_vpn() {
    let sim = start().await;
    let browser = Browser::new(&sim);
    let page = browser.get("validateCodeAction.do").await.text().await.unwrap();
    assert_eq!(texts(&page, "title"), ["登录 SSL VPN"]);
    assert_eq!((sim.count(System::Urp), sim.count_of("vpn.relay")), (0, 1));

    browser.vpn_login("311509000001", "vpn-000001").await;
    assert_eq!(browser.get("validateCodeAction.do").await.headers()["content-type"], "image/jpeg");
    assert_eq!((sim.count(System::Urp), sim.count_of("vpn.relay")), (1, 1));

    sim.expire_sessions(Some(System::Vpn));
    let page = browser.get("validateCodeAction.do").await.text().await.unwrap();
    assert_eq!(texts(&page, "title"), ["登录 SSL VPN"]);
    let service = browser.client.get(format!("{}/por/service.csp", browser.vpn)).send().await.unwrap();
    assert!(!service.text().await.unwrap().contains("欢迎您"));
}

#[tokio::test]
async fn an_expired_fault_ends_the_session_for_good_and_lets_logins_through() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    sim.set_fault(System::Vpn, Fault::expired().times(1));
    for _ in 0..2 {
        let page = browser.get("xkAction.do?actionType=6").await.text().await.unwrap();
        assert_eq!(texts(&page, "title"), ["登录 SSL VPN"]);
    }
    assert_eq!(sim.count_of("urp.course"), 0);
    sim.set_fault(System::Vpn, Fault::expired());
    assert!(browser.vpn_login("311509000001", "vpn-000001").await.contains("欢迎您"));
}
