mod fake;

use super::*;
use crate::campus::page::Said;
use fake::{CAPTCHA, NUMBER, PASSWORD, Rules, SERVICE};

const TICKET_LIFE: Duration = Duration::from_hours(7 * 24);

/// A CAS, its client and one student's session.
struct Stage {
    cas: Cas,
    base: Url,
    rules: Arc<parking_lot::Mutex<Rules>>,
    session: Session,
}

impl Stage {
    async fn new(rules: Rules) -> Self {
        let (base, rules) = fake::start(rules).await;
        let outbound = Outbound::new(Duration::from_secs(20), 2, None).unwrap();
        let cas = Cas::new(base.clone(), false, String::new(), TICKET_LIFE, outbound, Pauses::default());
        Self { cas, base, rules, session: Session::of(NUMBER) }
    }

    /// The address to which the academic system redirects.
    fn start(&self) -> Url {
        let mut url = join(&self.base, "/cas/login");
        url.query_pairs_mut().append_pair("service", SERVICE);
        url
    }

    async fn log_in(&mut self, password: &str, answer: Option<&CaptchaAnswer>) -> Result<Url, CampusError> {
        // Each attempt loads the stored session.
        let asker = self.session.asker;
        self.session = Session::from_text(&self.session.to_text());
        self.session.asker = asker;
        let password = SecretString::from(password);
        let login = CasLogin { student_id: NUMBER, password: &password, by_hand: true, answer };
        let start = self.start();
        self.cas.enter(start, Some(&login), &mut self.session).await
    }

    async fn resume(&mut self) -> Result<Url, CampusError> {
        let start = self.start();
        self.cas.enter(start, None, &mut self.session).await
    }

    /// Logs in up to the captcha.
    async fn challenged(&mut self, answer: Option<&CaptchaAnswer>) -> Arc<Challenge> {
        match self.log_in(PASSWORD, answer).await {
            Err(CampusError::NeedsCaptcha(System::Cas, challenge)) => challenge,
            other => panic!("{other:?}"),
        }
    }

    /// Another replica goes on with what was stored.
    fn move_on(&mut self) {
        self.session = Session::from_text(&self.session.to_text()).asked_for(NUMBER);
    }

    fn password_posts(&self) -> usize {
        self.rules.lock().password_posts()
    }

    fn requests(&self) -> usize {
        self.rules.lock().requests.len()
    }

    fn ticket(&self) -> Option<&str> {
        self.session.cookies.value(&join(&self.base, "/cas/login"), "CASTGC")
    }
}

fn answer_to(challenge: &Challenge, text: &str) -> CaptchaAnswer {
    CaptchaAnswer { flow: challenge.flow.clone(), text: text.to_owned() }
}

fn is_changed<T>(outcome: &Result<T, CampusError>, missing: &str) -> bool {
    matches!(outcome, Err(CampusError::Changed { system: System::Cas, page: "cas-login", missing: m }) if *m == missing)
}

fn is_at_service(outcome: &Result<Url, CampusError>) -> bool {
    outcome.as_ref().is_ok_and(|url| url.as_str().starts_with(&format!("{SERVICE}?ticket=ST-")))
}

#[tokio::test]
async fn a_right_password_leads_to_the_service_and_is_sent_once() {
    let mut stage = Stage::new(Rules::default()).await;
    let arrived = stage.log_in(PASSWORD, None).await;
    assert!(is_at_service(&arrived), "{arrived:?}");
    assert!(stage.session.is_in(System::Cas));
    let rules = stage.rules.lock();
    let (headers, fields) = &rules.posts[0];
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["username", "password", "lt", "execution", "_eventId", "source"]);
    let header = |name: &str| headers[name].to_str().unwrap();
    assert_eq!(header("origin"), stage.base.as_str().trim_end_matches('/'));
    assert_eq!(header("referer"), stage.start().as_str());
    assert_eq!((rules.password_posts(), rules.requests.len()), (1, 2));
}

#[tokio::test]
async fn a_redirect_within_the_cas_is_followed() {
    let mut stage = Stage::new(Rules { detour: true, ..Rules::default() }).await;
    assert!(is_at_service(&stage.log_in(PASSWORD, None).await));
    assert_eq!(stage.password_posts(), 1);
}

#[tokio::test]
async fn a_captcha_stops_the_login_before_the_password_and_its_answer_goes_on() {
    let mut stage = Stage::new(Rules { captcha_cookie: Some(true), captcha: true, ..Rules::default() }).await;
    let first = stage.challenged(None).await;
    assert_eq!((first.wrong, first.media_type, stage.password_posts()), (false, "image/jpeg", 0));
    assert!(!first.flow.contains(PASSWORD) && !first.flow.contains(NUMBER));
    stage.move_on();
    let second = stage.challenged(Some(&answer_to(&first, "abcd"))).await;
    assert_eq!((second.wrong, stage.password_posts()), (true, 1));
    assert_ne!(second.flow, first.flow);
    stage.move_on();
    let arrived = stage.log_in(PASSWORD, Some(&answer_to(&second, &format!(" {CAPTCHA} ")))).await;
    assert!(is_at_service(&arrived), "{arrived:?}");
    assert_eq!(stage.password_posts(), 2);
    let names: Vec<_> = stage.rules.lock().posts[1].1.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names, ["username", "password", "captcha", "token", "lt", "execution", "_eventId", "source"]);
}

#[tokio::test]
async fn a_wrong_password_with_a_right_captcha_is_a_wrong_password() {
    let mut stage = Stage::new(Rules { captcha_cookie: Some(true), captcha: true, ..Rules::default() }).await;
    let challenge = stage.challenged(None).await;
    let outcome = stage.log_in("wrong", Some(&answer_to(&challenge, CAPTCHA))).await;
    assert!(matches!(outcome, Err(CampusError::WrongPassword(System::Cas, _))), "{outcome:?}");
    assert_eq!(stage.password_posts(), 1);
}

#[tokio::test]
async fn a_captcha_that_is_asked_for_only_after_the_password_is_no_wrong_one() {
    let mut stage = Stage::new(Rules { captcha: true, ..Rules::default() }).await;
    let challenge = stage.challenged(None).await;
    assert_eq!((challenge.wrong, stage.password_posts()), (false, 1));
    assert!(is_at_service(&stage.log_in(PASSWORD, Some(&answer_to(&challenge, CAPTCHA))).await));
    assert_eq!(stage.password_posts(), 2);
}

#[tokio::test]
async fn a_school_that_always_wants_a_captcha_gets_its_query_and_no_password_before() {
    let mut stage = Stage::new(Rules { captcha_cookie: Some(false), captcha: true, ..Rules::default() }).await;
    stage.cas = Cas { always_captcha: true, captcha_query: "type=ALPHABET".to_owned(), ..stage.cas };
    stage.challenged(None).await;
    let asked = stage.rules.lock().requests.last().cloned();
    assert_eq!(asked.as_deref(), Some("GET /sso/apis/v2/open/captcha?type=ALPHABET"));
    assert_eq!(stage.password_posts(), 0);
}

#[tokio::test]
async fn the_cookie_can_say_that_no_captcha_is_wanted() {
    let mut stage = Stage::new(Rules { captcha_cookie: Some(false), ..Rules::default() }).await;
    assert!(is_at_service(&stage.log_in(PASSWORD, None).await));
}

#[tokio::test]
async fn a_wrong_password_is_sent_once_and_does_not_count_against_the_cas() {
    for refused_status in [None, Some(401)] {
        let mut stage = Stage::new(Rules { refused_status, ..Rules::default() }).await;
        // The service's own session: each of its failures would count.
        stage.session.asker = crate::outbound::Asker::Service;
        for tries in 1..=8 {
            let outcome = stage.log_in("wrong", None).await;
            let said = Said::new("用户名或密码不正确");
            assert_eq!(outcome, Err(CampusError::WrongPassword(System::Cas, said)));
            assert_eq!(stage.password_posts(), tries);
        }
        assert!(!stage.cas.outbound.is_open(System::Cas));
    }
}

#[tokio::test]
async fn a_locked_account_is_left_alone_afterwards() {
    let mut stage = Stage::new(Rules { refusal: Some(("ACCOUNT_LOCKED", "")), ..Rules::default() }).await;
    for _ in 0..3 {
        assert!(matches!(stage.log_in(PASSWORD, None).await, Err(CampusError::Locked(System::Cas, _))));
    }
    assert_eq!(stage.password_posts(), 1);
}

#[tokio::test]
async fn an_unknown_answer_is_not_tried_again() {
    let mut stage = Stage::new(Rules { refusal: Some(("", "登录失败")), ..Rules::default() }).await;
    assert_eq!(stage.log_in(PASSWORD, None).await, Err(CampusError::Failing(System::Cas)));
    assert_eq!(stage.password_posts(), 1);
}

#[tokio::test]
async fn a_ticket_that_works_needs_no_password() {
    let mut stage = Stage::new(Rules::default()).await;
    stage.log_in(PASSWORD, None).await.unwrap();
    stage.move_on();
    assert!(is_at_service(&stage.resume().await));
    assert!(is_at_service(&stage.log_in(PASSWORD, None).await));
    assert_eq!(stage.password_posts(), 1);
}

#[tokio::test]
async fn a_ticket_that_is_over_is_forgotten_and_only_a_login_goes_on() {
    let mut stage = Stage::new(Rules::default()).await;
    stage.log_in(PASSWORD, None).await.unwrap();
    assert_eq!(stage.ticket(), Some("TGT-1"));
    stage.rules.lock().ticket = None;
    assert_eq!(stage.resume().await, Err(CampusError::SessionExpired(System::Cas)));
    assert_eq!((stage.ticket(), stage.session.is_in(System::Cas)), (None, false));
    assert_eq!(stage.password_posts(), 1);
    assert!(is_at_service(&stage.log_in(PASSWORD, None).await));
    assert_eq!((stage.ticket(), stage.password_posts()), (Some("TGT-1"), 2));
}

#[tokio::test]
async fn a_ticket_older_than_its_life_is_not_tried_although_the_cas_would_take_it() {
    let mut stage = Stage::new(Rules::default()).await;
    stage.log_in(PASSWORD, None).await.unwrap();
    stage.session.age(Duration::from_hours(6 * 24 + 23));
    assert!(is_at_service(&stage.resume().await));
    // Its use has not made it younger.
    stage.session.age(Duration::from_hours(1));
    stage.move_on();
    assert_eq!(stage.resume().await, Err(CampusError::SessionExpired(System::Cas)));
    assert_eq!((stage.ticket(), stage.session.is_in(System::Cas)), (None, false));
    assert_eq!(stage.password_posts(), 1);
    assert!(is_at_service(&stage.log_in(PASSWORD, None).await));
    assert_eq!((stage.ticket(), stage.password_posts()), (Some("TGT-1"), 2));
}

#[tokio::test]
async fn a_ticket_is_dropped_without_asking_the_cas() {
    let mut stage = Stage::new(Rules::default()).await;
    stage.log_in(PASSWORD, None).await.unwrap();
    let asked = stage.requests();
    drop_ticket(&stage.base, &mut stage.session);
    assert_eq!((stage.ticket(), stage.session.is_in(System::Cas)), (None, false));
    assert!(!stage.session.to_text().contains("TGT-1"));
    assert_eq!(stage.requests(), asked);
}

#[tokio::test]
async fn a_page_that_is_over_is_requested_again_once_before_the_password() {
    let over = |pages| Rules { greeting: (pages, "TicketNotFound", "未能够识别出目标"), ..Rules::default() };
    let mut stage = Stage::new(over(1)).await;
    assert!(is_at_service(&stage.log_in(PASSWORD, None).await));
    assert_eq!((stage.password_posts(), stage.requests()), (1, 3));
    let mut stage = Stage::new(over(9)).await;
    assert!(is_changed(&stage.log_in(PASSWORD, None).await, "a form without a message"));
    assert_eq!((stage.password_posts(), stage.requests()), (0, 2));
}

#[tokio::test]
async fn what_a_page_says_of_a_password_before_one_was_sent_is_not_held_against_it() {
    for (code, text) in [("INVALID_CREDENTIAL", ""), ("ACCOUNT_LOCKED", ""), ("", "登录失败")] {
        let mut stage = Stage::new(Rules { greeting: (1, code, text), ..Rules::default() }).await;
        assert!(is_changed(&stage.log_in(PASSWORD, None).await, "a form without a message"));
        assert_eq!(stage.password_posts(), 0);
    }
    let mut stage = Stage::new(Rules { greeting: (1, "", "请输入验证码"), ..Rules::default() }).await;
    assert!(!stage.challenged(None).await.wrong);
}

#[tokio::test]
async fn a_form_that_was_over_when_the_password_came_is_not_sent_again() {
    let mut stage = Stage::new(Rules { forms_are_over: true, ..Rules::default() }).await;
    assert!(is_changed(&stage.log_in(PASSWORD, None).await, "an answer to the login"));
    assert_eq!(stage.password_posts(), 1);
    let mut stage = Stage::new(Rules { refusal: Some(("", "")), ..Rules::default() }).await;
    assert!(is_changed(&stage.log_in(PASSWORD, None).await, "an answer to the login"));
    assert_eq!(stage.password_posts(), 1);
}

#[tokio::test]
async fn redirects_without_end_are_a_changed_page() {
    let mut stage = Stage::new(Rules { loops: (true, true), ..Rules::default() }).await;
    assert!(is_changed(&stage.log_in(PASSWORD, None).await, "an end of its redirects"));
    assert_eq!((stage.password_posts(), stage.requests()), (0, MAX_REDIRECTS + 1));
    stage.rules.lock().loops = (false, true);
    assert!(is_changed(&stage.log_in(PASSWORD, None).await, "an answer to the login"));
    assert_eq!(stage.password_posts(), 1);
}

#[tokio::test]
async fn a_redirect_to_anywhere_but_the_service_is_a_changed_page() {
    for leads_to in ["https://elsewhere.example/eams/login.action", "https://zhjw.example/eams/home.action"] {
        let mut stage = Stage::new(Rules { leads_to: Some(leads_to), ..Rules::default() }).await;
        let outcome = stage.log_in(PASSWORD, None).await;
        assert!(is_changed(&outcome, "a redirect to the service with a ticket"), "{outcome:?}");
        assert!(!stage.session.is_in(System::Cas));
        assert_eq!(stage.password_posts(), 1);
    }
}

#[tokio::test]
async fn a_password_that_would_have_to_be_encrypted_is_not_sent() {
    let mut stage = Stage::new(Rules { public_key: true, ..Rules::default() }).await;
    assert!(is_changed(&stage.log_in(PASSWORD, None).await, "publicKey rule"));
    assert_eq!(stage.password_posts(), 0);
}

#[tokio::test]
async fn a_password_goes_to_the_cas_only() {
    let mut stage = Stage::new(Rules { action: Some("https://elsewhere.example/cas/login"), ..Rules::default() }).await;
    assert!(is_changed(&stage.log_in(PASSWORD, None).await, "its own address in the form"));
    assert_eq!((stage.password_posts(), stage.requests()), (0, 1));
    let foreign = |flow: &str| CaptchaAnswer { flow: flow.to_owned(), text: CAPTCHA.to_owned() };
    let flow = r#"{"url":"https://elsewhere.example/cas/login","fields":[],"token":"t"}"#;
    assert!(is_changed(&stage.log_in(PASSWORD, Some(&foreign(flow))).await, "its own address in the flow"));
    assert!(is_changed(&stage.log_in(PASSWORD, Some(&foreign("{}"))).await, "the flow of the captcha"));
    assert_eq!(stage.requests(), 1);
}

#[tokio::test]
async fn a_login_begins_at_the_cas_and_names_a_service() {
    let mut stage = Stage::new(Rules::default()).await;
    let elsewhere = Url::parse(&format!("https://elsewhere.example/cas/login?service={SERVICE}")).unwrap();
    let outcome = stage.cas.enter(elsewhere, None, &mut stage.session).await;
    assert!(is_changed(&outcome, "its own address to begin at"));
    let outcome = stage.cas.enter(join(&stage.base, "/cas/login"), None, &mut stage.session).await;
    assert!(is_changed(&outcome, "a service in its address"));
    assert_eq!(stage.requests(), 0);
}

#[tokio::test]
async fn a_form_whose_address_names_no_service_is_sent_to_the_address_of_its_page() {
    let mut stage = Stage::new(Rules { action: Some("/cas/login"), ..Rules::default() }).await;
    assert!(is_at_service(&stage.log_in(PASSWORD, None).await));
    let sent = stage.rules.lock().requests[1].clone();
    assert!(sent.starts_with("POST /cas/login?service="), "{sent}");
}

#[tokio::test]
async fn a_logout_ends_and_forgets_the_ticket_and_asks_nothing_without_one() {
    let mut stage = Stage::new(Rules::default()).await;
    let service = Url::parse(fake::SERVICE).unwrap();
    stage.cas.log_out(&service, &mut stage.session).await;
    assert_eq!(stage.requests(), 0);
    stage.log_in(PASSWORD, None).await.unwrap();
    stage.cas.log_out(&service, &mut stage.session).await;
    let last = stage.rules.lock().requests.last().cloned().unwrap();
    assert!(last.starts_with("GET /cas/logout?service=http"), "{last}");
    assert_eq!((stage.ticket(), stage.session.is_in(System::Cas)), (None, false));
}
