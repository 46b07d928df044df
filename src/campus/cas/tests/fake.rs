//! A CAS in this process: pages of the fixtures, forms that work once, captchas, tickets.

use std::collections::HashSet;
use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Method, Uri},
    response::Response,
};
use parking_lot::Mutex;
use url::{Url, form_urlencoded};

use crate::campus::page::fixture::fixture;

pub(super) const NUMBER: &str = "311509000001";
pub(super) const PASSWORD: &str = "uia-000001";
/// What each of its captchas shows.
pub(super) const CAPTCHA: &str = "kqzt";
pub(super) const SERVICE: &str = "https://zhjw.example/eams/login.action";

/// How it behaves, and what it has seen.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a misbehaviour of its own")]
pub(super) struct Rules {
    /// Whether it asks for a captcha by its cookie.
    pub(super) captcha_cookie: Option<bool>,
    /// Whether it refuses logins without a captcha.
    pub(super) captcha: bool,
    /// Code and text with which it refuses every password.
    pub(super) refusal: Option<(&'static str, &'static str)>,
    /// Code and text on login pages before a login, and on how many of them.
    pub(super) greeting: (u32, &'static str, &'static str),
    /// Status of refusals, if it is not 200.
    pub(super) refused_status: Option<u16>,
    /// Whether it wants the password encrypted.
    pub(super) public_key: bool,
    /// Whether GETs, or logins, lead to itself without end.
    pub(super) loops: (bool, bool),
    /// Whether logins lead over another page of its own.
    pub(super) detour: bool,
    /// Where logins lead, if not to the service.
    pub(super) leads_to: Option<&'static str>,
    /// Where the form is sent to, if not to the address of the page.
    pub(super) action: Option<&'static str>,
    /// Whether forms are over when they come.
    pub(super) forms_are_over: bool,
    /// The ticket for logins without password.
    pub(super) ticket: Option<&'static str>,
    /// Method and path of all requests.
    pub(super) requests: Vec<String>,
    /// Logins: headers and fields.
    pub(super) posts: Vec<(HeaderMap, Vec<(String, String)>)>,
    pub(super) count: u32,
    pub(super) forms: HashSet<String>,
    pub(super) captchas: HashSet<String>,
}

type Shared = Arc<Mutex<Rules>>;

/// Starts it. Returns its base address and its rules, which may be changed.
pub(super) async fn start(rules: Rules) -> (Url, Shared) {
    let shared = Arc::new(Mutex::new(rules));
    let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (Url::parse(&format!("http://{address}")).unwrap(), shared)
}

async fn answer(State(shared): State<Shared>, method: Method, uri: Uri, headers: HeaderMap, body: String) -> Response {
    let mut rules = shared.lock();
    rules.requests.push(format!("{method} {uri}"));
    let cookies = headers.get("cookie").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let holds_ticket = rules.ticket.is_some_and(|ticket| cookies.contains(&format!("CASTGC={ticket}")));
    match (method.as_str(), uri.path()) {
        ("GET", "/cas/login") if rules.loops.0 => rules.redirect(&uri.to_string()),
        ("GET", "/cas/login") if holds_ticket => rules.lead_to_service(),
        ("GET", "/cas/login") => {
            let (left, code, text) = rules.greeting;
            rules.greeting.0 = left.saturating_sub(1);
            if left > 0 { rules.page(code, text) } else { rules.page("", "") }
        }
        ("GET", "/cas/checked") => rules.lead_to_service(),
        ("GET", "/sso/apis/v2/open/captcha") => rules.picture(),
        ("GET", "/cas/logout") => rules.redirect("/cas/login"),
        ("POST", "/cas/login") => {
            assert!(cookies.contains("JSESSIONID=s1"), "a form without its session");
            let fields: Vec<_> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
            rules.posts.push((headers, fields.clone()));
            rules.login(&fields, &uri)
        }
        _ => panic!("unexpected: {method} {uri}"),
    }
}

impl Rules {
    pub(super) fn password_posts(&self) -> usize {
        self.posts.iter().filter(|(_, fields)| fields.iter().any(|(name, _)| name == "password")).count()
    }

    fn login(&mut self, fields: &[(String, String)], uri: &Uri) -> Response {
        let field = |name: &str| fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
        if self.loops.1 {
            return self.redirect(&format!("/cas/login?{}", uri.query().unwrap_or_default()));
        }
        if !self.forms.remove(field("lt")) || self.forms_are_over {
            return self.refuse("TicketNotFound", "未能够识别出目标");
        }
        if self.captcha && field("captcha").is_empty() {
            return self.refuse("", "验证码不能为空");
        }
        if self.captcha && (!self.captchas.remove(field("token")) || field("captcha") != CAPTCHA) {
            return self.refuse("", "验证码错误");
        }
        if let Some((code, text)) = self.refusal {
            return self.refuse(code, text);
        }
        if (field("username"), field("password")) != (NUMBER, PASSWORD) {
            return self.refuse("INVALID_CREDENTIAL", "用户名或密码不正确");
        }
        if self.detour { self.redirect("/cas/checked") } else { self.lead_to_service() }
    }

    fn refuse(&mut self, code: &str, text: &str) -> Response {
        let mut page = self.page(code, text);
        if let Some(status) = self.refused_status {
            *page.status_mut() = status.try_into().unwrap();
        }
        page
    }

    /// The login page with a new form.
    fn page(&mut self, code: &str, text: &str) -> Response {
        self.count += 1;
        let form = format!("LT-{}-cas", self.count);
        let mut page = fixture("cas/login.html")
            .replace("LT-48213-wGk0aN3bq7Zt-cas", &form)
            .replace(r#"id="errorcode" value="""#, &format!(r#"id="errorcode" value="{code}""#))
            .replace(r#"id="errormes" value="""#, &format!(r#"id="errormes" value="{text}""#));
        let action = "/cas/login?service=https%3A%2F%2Fzhjw.hpu.edu.cn%2Feams%2Flogin.action";
        page = page.replace(action, self.action.unwrap_or_default());
        if self.public_key {
            page = page.replace(r#"id="publicKey" value="""#, r#"id="publicKey" value="MIGf""#);
        }
        self.forms.insert(form);
        let mut response = Response::builder().header("set-cookie", "JSESSIONID=s1; Path=/cas; HttpOnly");
        if let Some(wanted) = self.captcha_cookie {
            response = response.header("set-cookie", format!("X_CAPTCHA={wanted}; Path=/"));
        }
        response.body(Body::from(page)).unwrap()
    }

    fn picture(&mut self) -> Response {
        self.count += 1;
        let token = format!("token-{}", self.count);
        let json = fixture("cas/captcha.json").replace("6b0c1d7e2f5a4c0e", &token);
        self.captchas.insert(token);
        Response::new(Body::from(json))
    }

    fn lead_to_service(&mut self) -> Response {
        self.ticket = Some("TGT-1");
        self.count += 1;
        let service = self.leads_to.unwrap_or(SERVICE);
        let mut response = self.redirect(&format!("{service}?ticket=ST-{}-aB.c", self.count));
        response.headers_mut().insert("set-cookie", "CASTGC=TGT-1; Path=/cas; HttpOnly".parse().unwrap());
        response
    }

    #[expect(clippy::unused_self, reason = "reads like its neighbours")]
    fn redirect(&self, location: &str) -> Response {
        Response::builder().status(302).header("location", location).body(Body::empty()).unwrap()
    }
}
