//! The university's systems: one folder per system with its client and parsers. Parsers are pure. Clients fetch through
//! [`crate::outbound`] and distinguish the kinds of failure. Nothing here knows HTTP handlers or the database.

pub mod academic;
pub mod bulletin;
pub mod captcha;
pub mod cas;
pub mod eams;
pub mod feed;
pub mod jwglxt;
pub mod library;
pub mod listing;
pub mod logistics;
pub mod news;
pub mod page;
pub mod pause;
pub mod physical;
mod publisher;
pub mod repair;
pub mod session;
mod site;
pub mod urp;
pub mod vpn;

use std::{borrow::Cow, collections::HashMap, sync::Arc, time::Duration};

use reqwest::header::CONTENT_TYPE;
use urp_captcha::{MasksError, Solver};

use crate::{
    campus::page::{Barrier, Closed, PageEncoding, PageError, Said},
    config,
    outbound::{Answer, Exchange, Outbound, OutboundError, Request, System},
    school::School,
};
use session::Session;

/// Why a campus system returned no data, by what can be done about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CampusError {
    /// The system refused the account or the password, with its words. Never retried: accounts lock.
    #[error("{0} refused the password")]
    WrongPassword(System, Said),
    /// The system has locked the account for a while, with its words; they are empty while no request is sent.
    #[error("{0} has locked the account")]
    Locked(System, Said),
    /// The system accepts no logins from this service.
    #[error("{0} takes no logins from us: {word}", word = .1.word())]
    Barred(System, Barrier, Said),
    /// No login is sent to this system for this time, because it accepted none.
    #[error("no logins are sent to {0} for now")]
    LoginPaused(System, Duration),
    /// The captcha was read wrongly in every try.
    #[error("the captcha could not be read")]
    Captcha,
    /// The system wants a captcha that only the student can read. A login goes on with his answer.
    #[error("{0} wants a captcha to be read by the student")]
    NeedsCaptcha(System, Arc<captcha::Challenge>),
    /// The system wants a captcha, and no student is there to read one.
    #[error("{0} wants a captcha, and nobody is there to read it")]
    CaptchaWanted(System),
    /// The system says that it was asked too fast, also after a pause.
    #[error("{0} was asked too fast")]
    TooFast(System),
    /// The session ended and could not be renewed.
    #[error("the session of {0} ended")]
    SessionExpired(System),
    /// The system has not told when the term takes place, so a day of it cannot be asked for. Nothing was sent.
    #[error("{0} does not tell when the term takes place")]
    NoDates(System),
    /// The system works and refuses, with its reason and words.
    #[error("{0} works and refuses: {word}", word = .1.word())]
    Closed(System, Closed, Said),
    /// The system does not answer, or its breaker is tripped.
    #[error("{0} is down")]
    Down(System),
    /// The system reports that it does not work: a server error, maintenance, too many users.
    #[error("{0} says that it does not work")]
    Failing(System),
    /// The system answered something this version does not understand.
    #[error("{system} answered another page: {page} lacks {missing}")]
    Changed {
        /// Which system.
        system: System,
        /// Which page was expected.
        page: &'static str,
        /// What it lacks.
        missing: &'static str,
    },
}

impl CampusError {
    fn of_outbound(error: OutboundError) -> Self {
        match error {
            OutboundError::BreakerOpen(system)
            | OutboundError::Busy(system)
            | OutboundError::Timeout(system)
            | OutboundError::Connection(system) => Self::Down(system),
            OutboundError::Status(system, _) => Self::Failing(system),
            OutboundError::TooLarge(system) => Self::Changed { system, page: "answer", missing: "reasonable size" },
            OutboundError::Redirect(system) | OutboundError::RedirectLoop(system) => {
                Self::Changed { system, page: "answer", missing: "redirect within the host" }
            }
        }
    }

    /// The error for a `page` that lacks something. Counted as [`Self::of_page`] does.
    fn changed(system: System, page: &'static str, missing: &'static str) -> Self {
        Self::of_page(system, PageError::Changed { page, missing })
    }

    /// The error for a page that could not be read. Counts refusals, unknown answers and changed pages.
    fn of_page(system: System, error: PageError) -> Self {
        match error {
            PageError::SessionExpired(layer) => Self::SessionExpired(layer_system(layer)),
            PageError::WrongPassword(said) => Self::WrongPassword(system, said),
            PageError::Locked(said) => Self::Locked(system, said),
            PageError::Barred(barrier, said) => Self::Barred(system, barrier, said),
            PageError::WrongCaptcha => Self::Captcha,
            PageError::TooFast | PageError::Again => Self::TooFast(system),
            PageError::Closed(reason, said) => {
                let labels = [("system", system.name()), ("reason", reason.word())];
                metrics::counter!("campus_closed_total", &labels).increment(1);
                Self::Closed(system, reason, said)
            }
            PageError::Maintenance => Self::Failing(system),
            PageError::Unknown(said) => {
                tracing::error!(%system, said = said.for_log(), "a login was answered by an unknown text");
                metrics::counter!("campus_unknown_answers_total", "system" => system.name()).increment(1);
                Self::Failing(system)
            }
            PageError::Changed { page, missing } => {
                metrics::counter!("campus_changed_total", "system" => system.name(), "page" => page).increment(1);
                Self::Changed { system, page, missing }
            }
            PageError::TooLarge => Self::Changed { system, page: "answer", missing: "reasonable size" },
        }
    }

    /// Whether the system itself does not work, so that its breaker must count this.
    fn is_failure_of_system(&self) -> bool {
        matches!(self, Self::Down(_) | Self::Failing(_) | Self::Changed { .. })
    }

    /// Whether this may be the answer to an ended session: the login page, a server error, a notice, or any other page.
    /// No answer at all proves nothing about the session.
    fn may_be_a_dead_session(&self) -> bool {
        matches!(self, Self::SessionExpired(_) | Self::Failing(_) | Self::Changed { .. })
    }
}

fn layer_system(layer: page::Layer) -> System {
    match layer {
        page::Layer::Vpn => System::Vpn,
        page::Layer::Urp => System::Urp,
        page::Layer::Library => System::Library,
        page::Layer::Physical => System::Physical,
        page::Layer::Repair => System::Repair,
        page::Layer::Cas => System::Cas,
        page::Layer::Eams => System::Eams,
        page::Layer::Jwglxt => System::Jwglxt,
    }
}

/// Why the clients cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The VPN's key is no RSA key.
    #[error("WEHPU_VPN_RSA_MODULUS and WEHPU_VPN_RSA_EXPONENT are not an RSA key of 1024 to 4096 bits")]
    VpnKey,
    /// The file with captcha masks cannot be read.
    #[error("WEHPU_CAPTCHA_MASKS: {0}")]
    MasksFile(std::io::Error),
    /// The captcha masks are malformed.
    #[error("WEHPU_CAPTCHA_MASKS: {0}")]
    Masks(#[from] MasksError),
}

/// Clients of all campus systems.
#[derive(Debug, Clone)]
pub struct Campus {
    /// The academic systems by the names that the school's profile gives them.
    academics: Arc<HashMap<String, academic::Academic>>,
    /// The library.
    pub library: library::Library,
    /// Physical education.
    pub physical: physical::Physical,
    /// Repairs.
    pub repair: repair::Repair,
    /// University news.
    pub news: news::News,
    /// News of the logistics department.
    pub logistics: logistics::Logistics,
    /// The bulletin board, through the VPN.
    pub bulletin: bulletin::Bulletin,
    outbound: Outbound,
}

impl Campus {
    /// `config` holds the addresses, `school` the academic systems, `news_list_path` the list page of the news. Everything
    /// is sent through `outbound`.
    pub fn new(
        config: &config::Campus,
        school: &Arc<School>,
        news_list_path: &str,
        outbound: &Outbound,
    ) -> Result<Self, SetupError> {
        let pauses = pause::Pauses::default();
        let vpn = vpn::Vpn::new(config, outbound.clone(), pauses.clone()).ok_or(SetupError::VpnKey)?;
        let vpn = Arc::new(vpn);
        let solver = match &config.captcha_masks {
            None => Solver::builtin().clone(),
            Some(path) => Solver::from_masks(&std::fs::read_to_string(path).map_err(SetupError::MasksFile)?)?,
        };
        let urp = urp::Urp::new(config.urp_host.clone(), solver, Arc::clone(&vpn), outbound.clone(), pauses.clone());
        let academics = academic::all(school, &urp, outbound, &pauses);
        Ok(Self {
            academics: Arc::new(academics),
            library: library::Library::new(&config.library_url, outbound, pauses.clone()),
            physical: physical::Physical::new(&config.physical_url, outbound, pauses.clone()),
            repair: repair::Repair::new(&config.repair_url, outbound, pauses),
            news: news::News::new(&config.news_url, news_list_path, outbound),
            logistics: logistics::Logistics::new(&config.logistics_url, outbound),
            bulletin: bulletin::Bulletin::new(config, vpn, outbound),
            outbound: outbound.clone(),
        })
    }

    /// The academic system of this name.
    #[must_use]
    pub fn academic(&self, id: &str) -> Option<&academic::Academic> {
        self.academics.get(id)
    }

    /// Whether the breaker of `system`, or of the VPN in front of it, refuses requests now.
    #[must_use]
    pub fn is_down(&self, system: System) -> bool {
        on_the_way(system).any(|system| self.outbound.is_open(system))
    }

    /// Whether that breaker is tripped or half-open, so that the next request may have to wait for a time-out.
    #[must_use]
    pub fn is_in_doubt(&self, system: System) -> bool {
        on_the_way(system).any(|system| self.outbound.is_in_doubt(system))
    }
}

/// `system`, and the VPN if it is behind it.
fn on_the_way(system: System) -> impl Iterator<Item = System> {
    let behind_vpn = matches!(system, System::Urp | System::Bulletin);
    std::iter::once(system).chain(behind_vpn.then_some(System::Vpn))
}

/// Sends `request`, reads the answer with `parse`, and tells the breaker what the page was.
async fn ask<T>(
    outbound: &Outbound,
    system: System,
    request: Request,
    session: &mut Session,
    encoding: PageEncoding,
    parse: impl FnOnce(&str) -> Result<T, PageError>,
) -> Result<T, CampusError> {
    let exchange = outbound.send(system, request, &mut session.cookies).await.map_err(CampusError::of_outbound)?;
    let read = text_of(&exchange.answer, encoding).and_then(|text| parse(&text));
    judge(exchange, session, read.map_err(|e| CampusError::of_page(system, e)))
}

/// The text of an answer, in its own character set or else in that of its system.
fn text_of(answer: &Answer, usual: PageEncoding) -> Result<Cow<'_, str>, PageError> {
    let content_type = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    page::decode_answer(&answer.body, content_type, usual)
}

/// Tells the breaker what `outcome` means for the system, and shows the page if nobody understood it.
fn judge<T>(exchange: Exchange<'_>, session: &Session, outcome: Result<T, CampusError>) -> Result<T, CampusError> {
    if let Err(&CampusError::Changed { system, page, missing }) = outcome.as_ref() {
        exchange.show_changed(system, page, missing);
    }
    match &outcome {
        Err(e) if e.is_failure_of_system() => exchange.unreadable(session.asker),
        _ => exchange.well(),
    }
    outcome
}
