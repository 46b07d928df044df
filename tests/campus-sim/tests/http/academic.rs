//! A browser that goes from EAMS through the CAS and back, and follows redirects by hand.

use std::sync::Arc;

use campus_sim::CampusSim;
use reqwest::cookie::{CookieStore, Jar};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use scraper::{Html, Selector};

/// Value of a hidden field.
pub fn hidden(page: &str, name: &str) -> String {
    let selector = Selector::parse(&format!("input[name={name}]")).unwrap();
    Html::parse_document(page).select(&selector).next().unwrap().attr("value").unwrap().to_owned()
}

/// The attribute `value` of the element with this id.
pub fn value_of(page: &str, id: &str) -> String {
    let selector = Selector::parse(&format!("#{id}")).unwrap();
    Html::parse_document(page).select(&selector).next().unwrap().attr("value").unwrap().to_owned()
}

/// Where a redirect leads.
pub fn location(response: &Response) -> String {
    assert_eq!(response.status(), 302);
    response.headers()["location"].to_str().unwrap().to_owned()
}

pub struct Browser {
    pub client: Client,
    pub cas: String,
    pub eams: String,
    pub jar: Arc<Jar>,
}

impl Browser {
    pub fn new(sim: &CampusSim) -> Self {
        let jar = Arc::new(Jar::default());
        let client = Client::builder().cookie_provider(jar.clone()).redirect(Policy::none()).build().unwrap();
        Self { client, cas: sim.url("cas"), eams: sim.url("eams"), jar }
    }

    /// A browser that is logged in at EAMS.
    pub async fn signed_in(sim: &CampusSim, index: usize) -> Self {
        let (browser, student) = (Self::new(sim), sim.student_at(index));
        let login = browser.cas_address().await;
        let page = browser.text(&login).await;
        let response = browser.submit(&login, &page, &student.number, &student.cas_password, None).await;
        let home = browser.follow(location(&response)).await;
        assert!(home.text().await.unwrap().contains("您当前位置"));
        browser
    }

    pub async fn get(&self, url: &str) -> Response {
        self.client.get(url).send().await.unwrap()
    }

    pub async fn text(&self, url: &str) -> String {
        self.get(url).await.text().await.unwrap()
    }

    /// Follows redirects, at most five.
    pub async fn follow(&self, mut url: String) -> Response {
        for _ in 0..5 {
            let response = self.get(&url).await;
            if response.status() != 302 {
                return response;
            }
            url = location(&response);
        }
        panic!("redirects without end, at last to {url}");
    }

    /// The first step: where EAMS sends one who is not logged in.
    pub async fn cas_address(&self) -> String {
        location(&self.get(&format!("{}/login.action", self.eams)).await)
    }

    /// Sends a login page back, with the captcha's answer and token.
    pub async fn submit(
        &self,
        url: &str,
        page: &str,
        number: &str,
        password: &str,
        captcha: Option<(&str, &str)>,
    ) -> Response {
        let mut form = vec![("username", number.to_owned()), ("password", password.to_owned())];
        for name in ["lt", "execution", "_eventId", "source"] {
            form.push((name, hidden(page, name)));
        }
        if let Some((answer, token)) = captcha {
            form.extend([("captcha", answer.to_owned()), ("token", token.to_owned())]);
        }
        self.client.post(url).form(&form).send().await.unwrap()
    }

    /// Token of a fresh captcha.
    pub async fn captcha(&self, query: &str) -> String {
        let answer = self.text(&format!("{}/sso/apis/v2/open/captcha{query}", self.cas)).await;
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        answer["token"].as_str().unwrap().to_owned()
    }

    /// A page of EAMS as its scripts ask for it.
    pub async fn page(&self, action: &str) -> String {
        let request = self.client.get(format!("{}/{action}", self.eams)).header("x-requested-with", "XMLHttpRequest");
        request.send().await.unwrap().text().await.unwrap()
    }

    pub async fn post(&self, action: &str, form: &[(&str, &str)]) -> Response {
        let request = self.client.post(format!("{}/{action}", self.eams)).header("x-requested-with", "XMLHttpRequest");
        request.form(form).send().await.unwrap()
    }

    pub async fn posted(&self, action: &str, form: &[(&str, &str)]) -> String {
        self.post(action, form).await.text().await.unwrap()
    }

    /// The course table of a term, after the entry page.
    pub async fn table(&self, term: &str) -> String {
        let entry = self.page("courseTableForStd.action").await;
        let ids = entry.split("addInput(form,\"ids\",\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let form = [
            ("ignoreHead", "1"),
            ("setting.kind", "std"),
            ("startWeek", ""),
            ("semester.id", term),
            ("ids", ids.as_str()),
        ];
        self.posted("courseTableForStd!courseTable.action?sf_request_type=ajax", &form).await
    }

    /// A cookie that would be sent to this address.
    pub fn cookie(&self, url: &str, name: &str) -> Option<String> {
        let line = self.jar.cookies(&url.parse().unwrap())?.to_str().unwrap().to_owned();
        line.split("; ").find_map(|pair| pair.strip_prefix(&format!("{name}="))).map(ToOwned::to_owned)
    }
}
