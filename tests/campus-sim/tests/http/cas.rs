use std::time::Duration;

use campus_sim::{CampusSim, CasCaptcha, Fault, Mode, System};

use crate::academic::{Browser, hidden, location, value_of};
use crate::support::start;

const NUMBER: &str = "311509000001";
const PASSWORD: &str = "uia-000001";

/// Code and text that the login page shows after a login with this password and without a captcha.
async fn refusal(browser: &Browser, password: &str) -> (String, String) {
    let login = browser.cas_address().await;
    let page = browser.text(&login).await;
    let page = browser.submit(&login, &page, NUMBER, password, None).await;
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    (value_of(&page, "errorcode"), value_of(&page, "errormes"))
}

fn port(sim: &CampusSim) -> &str {
    sim.base_url().rsplit(':').next().unwrap()
}

#[tokio::test]
async fn the_way_leads_from_eams_through_the_cas_and_back_across_two_hosts() {
    let sim = start().await;
    let browser = Browser::new(&sim);
    let login = browser.cas_address().await;
    let port = port(&sim);
    let service = format!("http%3A%2F%2F127.0.0.1%3A{port}%2Feams%2Flogin.action");
    assert_eq!(login, format!("http://localhost:{port}/cas/cas/login?service={service}"));

    let page = browser.text(&login).await;
    assert_eq!(hidden(&page, "pid"), "");
    assert_eq!(value_of(&page, "publicKey"), "");
    let response = browser.submit(&login, &page, NUMBER, PASSWORD, None).await;
    let ticket = location(&response);
    assert!(ticket.starts_with(&format!("http://127.0.0.1:{port}/eams/login.action?ticket=ST-")), "{ticket}");
    assert!(browser.cookie(&format!("{}/cas/login", browser.cas), "CASTGC").unwrap().starts_with("TGT-"));
    assert!(browser.cookie(&browser.cas, "CASTGC").is_none(), "the cookie's path is that of the pages");
    assert!(browser.cookie(&browser.eams, "CASTGC").is_none(), "cookies belong to a host");

    let inner = location(&browser.get(&ticket).await);
    assert!(inner.contains("/eams/login.action;jsessionid="), "{inner}");
    let home = location(&browser.get(&inner).await);
    assert!(home.ends_with("/eams/home.action"), "{home}");
    assert!(browser.text(&home).await.contains("您当前位置"));
    for (name, count) in [
        ("eams.start", 2),
        ("cas.login_page", 1),
        ("cas.login", 1),
        ("cas.login.ok", 1),
        ("cas.password_posts", 1),
        ("cas.tickets_issued", 1),
        ("cas.tickets_used", 1),
        ("eams.ticket", 1),
        ("eams.home", 1),
    ] {
        assert_eq!(sim.count_of(name), count, "{name}");
    }
    sim.assert_no_unexpected_traffic();
}

#[tokio::test]
async fn a_login_page_is_good_once_and_its_failure_brings_the_next() {
    let sim = start().await;
    let browser = Browser::new(&sim);
    let login = browser.cas_address().await;
    let first = browser.text(&login).await;
    let second = browser.submit(&login, &first, NUMBER, "wrong", None).await.text().await.unwrap();
    assert_eq!(value_of(&second, "errorcode"), "INVALID_CREDENTIAL");
    assert_ne!(hidden(&first, "lt"), hidden(&second, "lt"));
    assert_ne!(hidden(&first, "execution"), hidden(&second, "execution"));

    let third = browser.submit(&login, &first, NUMBER, PASSWORD, None).await.text().await.unwrap();
    assert_eq!(value_of(&third, "errorcode"), "TicketNotFound");
    assert_eq!(browser.submit(&login, &second, NUMBER, PASSWORD, None).await.status(), 302);
    assert_eq!((sim.count_of("cas.login.wrong_password"), sim.count_of("cas.login.flow_expired")), (1, 1));
    assert_eq!(sim.count_of("cas.password_posts"), 3);
}

#[tokio::test]
async fn a_captcha_that_is_needed_is_announced_and_good_once() {
    let sim = start().await;
    sim.set_cas_captcha(CasCaptcha::Always);
    let browser = Browser::new(&sim);
    assert_eq!(refusal(&browser, PASSWORD).await, (String::new(), "验证码不能为空".to_owned()));
    let sign = browser.cookie(&format!("{}/cas/login", browser.cas), "X_CAPTCHA");
    assert_eq!(sign.as_deref(), Some("true"));

    let login = browser.cas_address().await;
    let mut page = browser.text(&login).await;
    let token = browser.captcha("?date=1790000000000").await;
    let answer = sim.cas_captcha_answer(&token).unwrap();
    assert!(answer.parse::<u32>().is_ok(), "a sum: {answer}");
    for (given, outcome) in [("0", "验证码错误"), (answer.as_str(), "验证码错误")] {
        page = browser.submit(&login, &page, NUMBER, PASSWORD, Some((given, &token))).await.text().await.unwrap();
        assert_eq!(value_of(&page, "errormes"), outcome, "after {given}: the first answer uses it up");
    }
    let token = browser.captcha("?type=ALPHABET").await;
    let letters = sim.cas_captcha_answer(&token).unwrap().to_lowercase();
    assert!(letters.len() == 4 && letters.bytes().all(|byte| byte.is_ascii_lowercase()), "{letters}");
    let response = browser.submit(&login, &page, NUMBER, PASSWORD, Some((&letters, &token))).await;
    assert!(location(&response).contains("ticket=ST-"), "upper and lower case are alike");
    assert_eq!((sim.count_of("cas.login.wrong_captcha"), sim.count_of("cas.login.no_captcha")), (2, 1));
    assert_eq!(sim.cas_captcha_answer(&token), None);
}

#[tokio::test]
async fn a_captcha_is_a_picture_in_lines_of_base64() {
    let sim = start().await;
    let browser = Browser::new(&sim);
    let answer = browser.text(&format!("{}/sso/apis/v2/open/captcha", browser.cas)).await;
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let picture = answer["img"].as_str().unwrap();
    assert!(picture.starts_with("/9j/") && picture.contains("\r\n"), "{picture}");
    sim.set_fault(System::Cas, Fault::empty());
    assert_eq!(browser.captcha("").await, "");
}

#[tokio::test]
async fn after_some_wrong_passwords_a_captcha_is_needed() {
    let sim = start().await;
    sim.set_cas_captcha(CasCaptcha::After(2));
    let browser = Browser::new(&sim);
    for _ in 0..2 {
        assert_eq!(refusal(&browser, "wrong").await.0, "INVALID_CREDENTIAL");
    }
    assert_eq!(refusal(&browser, PASSWORD).await.1, "验证码不能为空");
    let other = Browser::new(&sim);
    assert_eq!(refusal(&other, PASSWORD).await.1, "验证码不能为空", "wherever one comes from");
    assert!(other.cookie(&format!("{}/cas/login", other.cas), "X_CAPTCHA").is_none(), "but its page did not say so");
    Browser::signed_in(&sim, 2).await;
}

#[tokio::test]
async fn a_ticket_cookie_spares_the_password_until_it_is_over() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    sim.expire_sessions(Some(System::Eams));
    let login = browser.cas_address().await;
    let home = browser.follow(login).await;
    assert!(home.text().await.unwrap().contains("您当前位置"));
    assert_eq!((sim.count_of("cas.ticket.ok"), sim.count_of("cas.password_posts")), (1, 1));

    sim.set_fault(System::Cas, Fault::new(Mode::RefuseTicket).times(1));
    sim.expire_sessions(Some(System::Eams));
    let login = browser.cas_address().await;
    let page = browser.text(&login).await;
    assert_eq!((value_of(&page, "errorcode"), value_of(&page, "errormes")), (String::new(), String::new()));
    assert_eq!(browser.get(&login).await.status(), 302, "once only");

    sim.expire_sessions(Some(System::Cas));
    assert_eq!(browser.get(&login).await.status(), 200);
    assert_eq!(sim.count_of("cas.ticket.refused"), 2);
}

#[tokio::test]
async fn a_logout_ends_the_ticket_cookie() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    let login = format!("{}/cas/login", browser.cas);
    let ticket = browser.cookie(&login, "CASTGC").unwrap();
    let logout = format!("{}/cas/logout", browser.cas);
    assert!(browser.text(&logout).await.contains("注销成功"));
    assert_eq!(browser.cookie(&login, "CASTGC"), None);
    assert!(browser.text(&logout).await.contains("注销成功"));
    assert_eq!(sim.count_of("cas.tickets_ended"), 1);
    let old = reqwest::Client::new().get(&login).header("cookie", format!("CASTGC={ticket}"));
    assert!(old.send().await.unwrap().text().await.unwrap().contains("errorcode"));
}

#[tokio::test]
async fn a_service_ticket_is_good_once_and_not_late() {
    let sim = start().await;
    let browser = Browser::new(&sim);
    let login = browser.cas_address().await;
    let page = browser.text(&login).await;
    sim.set_fault(System::Cas, Fault::late_ticket(Duration::from_millis(20)).times(1));
    let late = location(&browser.submit(&login, &page, NUMBER, PASSWORD, None).await);
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(browser.get(&late).await.status(), 500);

    let ticket = location(&browser.get(&login).await);
    assert!(location(&browser.get(&ticket).await).contains("jsessionid"));
    assert!(location(&browser.get(&ticket).await).contains("/cas/cas/login"), "used up");
    assert_eq!((sim.count_of("cas.tickets_used"), sim.count_of("cas.tickets_refused")), (2, 1));
}

#[tokio::test]
async fn whoever_enters_at_the_cas_goes_round_for_ever() {
    let sim = start().await;
    let browser = Browser::new(&sim);
    let service = format!("{}/login.action", browser.eams);
    let login = format!("{}/cas/login?service={service}", browser.cas);
    let page = browser.text(&login).await;
    let mut at = location(&browser.submit(&login, &page, NUMBER, PASSWORD, None).await);
    for _ in 0..6 {
        at = location(&browser.get(&at).await);
    }
    assert!(sim.count_of("eams.ticket.no_session") >= 3);
}

#[tokio::test]
async fn the_cas_misbehaves_on_command() {
    let sim = start().await;
    let browser = Browser::new(&sim);
    sim.set_fault(System::Cas, Fault::new(Mode::Locked).times(1));
    let (code, text) = refusal(&browser, PASSWORD).await;
    assert!(code == "ACCOUNT_LOCKED" && text.contains("锁定"), "{code} {text}");

    sim.set_fault(System::Cas, Fault::new(Mode::FlowExpired).times(1));
    assert_eq!(refusal(&browser, PASSWORD).await.0, "TicketNotFound");

    sim.set_fault(System::Cas, Fault::says("登录失败").times(1));
    assert_eq!(refusal(&browser, PASSWORD).await, (String::new(), "登录失败".to_owned()));

    let login = browser.cas_address().await;
    sim.set_fault(System::Cas, Fault::new(Mode::PublicKey).times(1));
    assert!(!value_of(&browser.text(&login).await, "publicKey").is_empty());
    assert!(value_of(&browser.text(&login).await, "publicKey").is_empty());

    sim.set_fault(System::Cas, Fault::new(Mode::Loop));
    assert_eq!(location(&browser.get(&login).await), login);
    sim.clear_faults();
    assert_eq!((sim.count_of("cas.login.locked"), sim.count_of("cas.login.told")), (1, 1));
    assert_eq!(sim.count_of("cas.password_posts"), 3);

    for fault in [Fault::server_error(), Fault::maintenance(), Fault::garbage()] {
        sim.set_fault(System::Cas, fault.times(1));
        let answer = browser.get(&login).await;
        let (status, body) = (answer.status(), answer.bytes().await.unwrap());
        assert!(status == 500 || !body.windows(9).any(|part| part == b"execution"));
    }
    sim.assert_no_unexpected_traffic();
}

#[tokio::test]
async fn each_host_answers_only_by_its_own_name_and_for_services_that_it_knows() {
    let sim = start().await;
    let browser = Browser::new(&sim);
    let port = port(&sim);
    for url in [
        format!("http://127.0.0.1:{port}/cas/cas/login"),
        format!("http://localhost:{port}/eams/login.action"),
        format!("http://localhost:{port}/cas/cas/login?service=http%3A%2F%2Felsewhere.invalid%2F"),
        format!("http://localhost:{port}/cas/sso/apis/v3/open/captcha"),
    ] {
        assert_eq!(browser.get(&url).await.status(), 501, "{url}");
    }
    assert_eq!(sim.unexpected_requests().len(), 4);
}
