//! A student who uses the mini-program.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use wehpu_engine::readthrough::each;

use super::{Answer, BOUNDARY, Replica, TestApp, form};

/// A logged-in student, with the campus data.
pub struct Student<'a> {
    app: &'a TestApp,
    url: String,
    /// WeChat's id of the account.
    pub open_id: String,
    /// The token.
    pub token: String,
    /// The student in the simulator.
    pub campus: campus_sim::Student,
}

/// Where each kind of student data is read.
pub const STUDENT_DATA: [&str; 4] = ["/api/course", "/api/score", "/api/physical", "/api/library/borrowing"];

impl<'a> Student<'a> {
    /// Logs the WeChat user in.
    pub async fn log_in(app: &'a TestApp, open_id: &str, campus: campus_sim::Student) -> Self {
        let answer = app.log_in(open_id).await;
        let token = answer.data()["token"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
        Self { app, url: app.replicas[0].url.clone(), open_id: open_id.to_owned(), token, campus }
    }

    /// A student who is not logged in yet.
    pub fn stranger(app: &'a TestApp, open_id: &str, campus: campus_sim::Student) -> Self {
        Self { app, url: app.replicas[0].url.clone(), open_id: open_id.to_owned(), token: String::new(), campus }
    }

    /// A student who already has a token and asks this replica.
    pub fn with_token(
        app: &'a TestApp,
        replica: &Replica,
        open_id: &str,
        token: &str,
        campus: campus_sim::Student,
    ) -> Self {
        Self { app, url: replica.url.clone(), open_id: open_id.to_owned(), token: token.to_owned(), campus }
    }

    /// The same student at another replica.
    pub fn at(&self, replica: &Replica) -> Self {
        Self {
            app: self.app,
            url: replica.url.clone(),
            open_id: self.open_id.clone(),
            token: self.token.clone(),
            campus: self.campus.clone(),
        }
    }

    /// The same student with another campus account.
    pub fn with_account(&self, campus: campus_sim::Student) -> Self {
        Self { campus, ..self.at_same() }
    }

    /// Has one of every kind of student data stored, and fails for a kind that `STUDENT_DATA` does not ask for.
    pub async fn see_everything(&self) {
        self.change("libPassWord", &self.campus.library_password).await.expect(201);
        for path in STUDENT_DATA {
            self.get(path).await.expect_data(false);
        }
        for kind in each(&self.app.replicas[0].app.store.student_data) {
            let stored = kind.stored.export(&self.open_id, &self.campus.number).await.unwrap();
            assert_eq!(stored.len(), 1, "STUDENT_DATA does not ask for {}", kind.name);
        }
    }

    fn at_same(&self) -> Self {
        Self {
            app: self.app,
            url: self.url.clone(),
            open_id: self.open_id.clone(),
            token: self.token.clone(),
            campus: self.campus.clone(),
        }
    }

    /// A request with the student's token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.app.request_at(&self.url, method, path).bearer_auth(&self.token)
    }

    /// Sends a request.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::of(request.send().await.unwrap()).await
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// `GET /api/course`.
    pub async fn course(&self) -> Answer {
        self.get("/api/course").await
    }

    /// `POST path` with a form.
    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.request(Method::POST, path).form(fields)).await
    }

    /// `POST path` with JSON.
    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// `PUT /api/user`.
    pub async fn change(&self, key: &str, value: &str) -> Answer {
        self.send(self.request(Method::PUT, "/api/user").form(&[("key", key), ("value", value)])).await
    }

    /// `POST /api/upload` with these parts.
    pub async fn upload(&self, parts: &[Vec<u8>]) -> Answer {
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        self.send(self.request(Method::POST, "/api/upload").header("content-type", kind).body(form(parts))).await
    }

    /// Tries to bind the campus account with these passwords.
    pub async fn try_bind(&self, vpn: &str, urp: &str) -> Answer {
        let fields = [("studentId", self.campus.number.as_str()), ("vpnPassWord", vpn), ("jwcPassWord", urp)];
        self.post_form("/api/bind", &fields).await
    }

    /// Tries to bind with the right passwords.
    pub async fn try_bind_rightly(&self) -> Answer {
        self.try_bind(&self.campus.vpn_password, &self.campus.urp_password).await
    }

    /// Binds with the right passwords.
    pub async fn bind(&self) {
        let answer = self.try_bind_rightly().await.expect(201);
        assert_eq!(*answer.data(), json!({ "vpn": true, "jwc": true }));
    }
}
