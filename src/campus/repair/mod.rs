//! Repairs, at the logistics department.

pub mod parse;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{
    CampusError,
    page::{PageError, login_outcome},
    pause::Pauses,
    session::Session,
    site::{SignIn, Site},
};
use crate::outbound::{Outbound, Request, System};

/// How many characters at the end of the id number are the password.
const PASSWORD_LENGTH: usize = 6;

/// What is broken, where, and whom to call.
#[derive(Debug, Clone)]
pub struct Order {
    /// Number of the kind of repair.
    pub project_serial: String,
    /// Name of the kind of repair.
    pub project_name: String,
    /// Number of the part of the campus.
    pub area_serial: String,
    /// Name of the part of the campus.
    pub area_name: String,
    /// The exact place.
    pub address: String,
    /// What is broken.
    pub content: String,
    /// Whom to call.
    pub user_name: String,
    /// Telephone number.
    pub mobile: String,
    /// Addresses of uploaded pictures, joined by commas.
    pub images: String,
}

/// The outcome of an order.
#[derive(Debug)]
pub enum OrderOutcome {
    /// It was accepted.
    Accepted,
    /// The department refused it.
    Refused,
    /// It was sent and not answered: it may have been accepted.
    Unknown(CampusError),
}

/// Client of the repair system.
#[derive(Debug, Clone)]
pub struct Repair(Site);

impl Repair {
    pub(super) fn new(base: &Url, outbound: &Outbound, pauses: Pauses) -> Self {
        Self(Site::new(System::Repair, base, outbound, pauses))
    }

    /// Places an order. It is never retried: a second request might be a second order.
    pub async fn place(
        &self,
        student_id: &str,
        id_number: &SecretString,
        order: &Order,
        session: &mut Session,
    ) -> Result<OrderOutcome, CampusError> {
        let resident = Resident { site: &self.0, student_id, id_number };
        // The department asks whom to call before it shows the form.
        let info = [
            ("Nickname", order.user_name.as_str()),
            ("Mobile", &order.mobile),
            ("Address", &order.address),
            ("MID", ""),
        ];
        let info = || Request::form(self.0.url("/rsp/my/info"), &info);
        self.0.ask_signed_in(info, session, &resident, no_login_form).await?;
        let form = Request::get(self.0.url("/rsp/my/wantrepair"));
        let form = self.0.ask(form, session, parse::parse_repair_form).await?;
        let fields = [
            ("Area_Serial", order.area_serial.as_str()),
            ("Area_Name", &order.area_name),
            ("Baddress", &order.address),
            ("Project_Name", &order.project_name),
            ("Project_Serial", &order.project_serial),
            ("Bcontent", &order.content),
            ("Mobile", &order.mobile),
            ("BuserName", &order.user_name),
            ("InfoID", ""),
            ("pwdstr", &form.pwdstr),
            ("imglist", &order.images),
            ("Bsource", "1"),
        ];
        let request = Request::form(self.0.url("/rsp/my/wantrepair"), &fields).by_script();
        let verdict = |text: &str| {
            no_login_form(text)?;
            Ok(if text.trim() == "ok" { OrderOutcome::Accepted } else { OrderOutcome::Refused })
        };
        match self.0.ask(request, session, verdict).await {
            Err(down @ CampusError::Down(_)) => Ok(OrderOutcome::Unknown(down)),
            outcome => outcome,
        }
    }
}

/// A person with an account at the repair service.
struct Resident<'a> {
    site: &'a Site,
    student_id: &'a str,
    id_number: &'a SecretString,
}

impl SignIn for Resident<'_> {
    fn account(&self) -> &str {
        self.student_id
    }

    async fn log_in(&self, session: &mut Session) -> Result<(), CampusError> {
        let id_number = self.id_number.expose_secret();
        let password = id_number.get(id_number.len().saturating_sub(PASSWORD_LENGTH)..).unwrap_or_default();
        let form = [("UserName", self.student_id), ("Password", password), ("ReturnUrl", ""), ("LoginType", "")];
        let request = Request::form(self.site.url("/pc/Account/Login"), &form);
        self.site.ask(request, session, |text| login_outcome(text, no_login_form(text))).await
    }
}

/// Accepts any page but the login form, a refusal and a maintenance page: several answers of this system are bare
/// words.
fn no_login_form(text: &str) -> Result<(), PageError> {
    match parse::parse_repair_form(text) {
        Err(
            e @ (PageError::SessionExpired(_) | PageError::Closed(..) | PageError::Maintenance | PageError::TooLarge),
        ) => Err(e),
        Ok(_) | Err(_) => Ok(()),
    }
}
