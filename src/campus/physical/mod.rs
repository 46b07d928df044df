//! The physical education system (ASP.NET).

pub mod parse_login;
pub mod parse_scores;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{
    CampusError,
    page::Reading,
    pause::Pauses,
    session::Session,
    site::{SignIn, Site},
};
use crate::{
    model::PhysicalYear,
    outbound::{Outbound, Request, System},
};

/// Client of the physical education system.
#[derive(Debug, Clone)]
pub struct Physical(Site);

impl Physical {
    pub(super) fn new(base: &Url, outbound: &Outbound, pauses: Pauses) -> Self {
        Self(Site::new(System::Physical, base, outbound, pauses))
    }

    /// Test results of every year. `password`: the last eight characters of the id number.
    pub async fn scores(
        &self,
        student_id: &str,
        password: &SecretString,
        session: &mut Session,
    ) -> Result<Vec<PhysicalYear>, CampusError> {
        let request = || Request::get(self.0.url("/welcome.aspx"));
        let athlete = Athlete { site: &self.0, student_id, password };
        self.0.ask_signed_in(request, session, &athlete, parse_scores::parse_physical).await.map(Reading::told)
    }
}

/// A person with an account at physical education.
struct Athlete<'a> {
    site: &'a Site,
    student_id: &'a str,
    password: &'a SecretString,
}

impl SignIn for Athlete<'_> {
    fn account(&self) -> &str {
        self.student_id
    }

    /// Sends the login form with its hidden fields, which are valid only for this copy of it.
    async fn log_in(&self, session: &mut Session) -> Result<(), CampusError> {
        let url = self.site.url("/index.aspx");
        let form = self.site.ask(Request::get(url.clone()), session, parse_login::parse_login_form).await?;
        let fields = [
            ("__VIEWSTATE", form.view_state.as_str()),
            ("__EVENTVALIDATION", form.event_validation.as_str()),
            ("rblUserType", "Student"),
            ("txtAccount", self.student_id),
            ("txtPassword", self.password.expose_secret()),
            ("btnLogin", "登录"),
        ];
        self.site.ask(Request::form(url, &fields), session, parse_login::parse_login).await
    }
}
