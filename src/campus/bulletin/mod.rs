//! The bulletin board behind the VPN: one service account reads its lectures and notices.

mod address;
pub mod parse_board;
pub mod parse_notice;

use std::sync::Arc;

use secrecy::SecretString;
use url::Url;

use super::{
    CampusError, ask,
    feed::{ArticlePage, Link, LinkError, Origin},
    page::PageEncoding,
    publisher::{link_error, read_article, there},
    session::Session,
    vpn::Vpn,
};
use crate::{
    config,
    outbound::{Arrival, Download, Outbound, Request, System},
};
use address::{inside, may_lead};
pub use parse_board::{Board, Lecture};

/// Path of the board.
const BOARD: &str = "/swfweb/hpugg.aspx";

/// The content behind the link of a notice.
#[derive(Debug)]
pub enum Notice {
    /// A text.
    Text(ArticlePage),
    /// A file, not received yet.
    File(Download),
}

/// Client of the bulletin board.
#[derive(Debug, Clone)]
pub struct Bulletin {
    host: String,
    account: Option<(String, SecretString)>,
    vpn: Arc<Vpn>,
    outbound: Outbound,
}

impl Bulletin {
    pub(super) fn new(config: &config::Campus, vpn: Arc<Vpn>, outbound: &Outbound) -> Self {
        let (host, account) = (config.bulletin_host.clone(), config.bulletin_account.clone());
        Self { host, account, vpn, outbound: outbound.clone() }
    }

    /// Whether there is an account to read the board.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.account.is_some()
    }

    /// Reads the board. Logs in if the session is not, and once more if it proves to have ended.
    ///
    /// # Errors
    /// See [`CampusError`]; [`CampusError::SessionExpired`] without an account.
    pub async fn board(&self, session: &mut Session) -> Result<Board, CampusError> {
        let home = inside(&self.host, BOARD).ok_or(not_asked("address of the board"))?;
        let mut known = session.is_in(System::Vpn);
        loop {
            self.enter(session).await?;
            let request = self.request(&home);
            let read = |html: &str| parse_board::parse_board(html, &home);
            match ask(&self.outbound, System::Bulletin, request, session, PageEncoding::Gbk, read).await {
                Err(CampusError::SessionExpired(_)) if known => {
                    session.leave(System::Vpn);
                    known = false;
                }
                outcome => return outcome,
            }
        }
    }

    /// Fetches a notice, with logins as in [`Bulletin::board`]. A failure does not count against the system.
    pub async fn notice(&self, session: &mut Session, link: &Link) -> Result<Notice, LinkError> {
        let home = inside(&self.host, BOARD).ok_or(not_asked("address of the board"))?;
        Origin::of(&home).check(&link.url).map_err(LinkError::Refused)?;
        let mut known = session.is_in(System::Vpn);
        loop {
            self.enter(session).await?;
            match self.fetch(session, link).await {
                Err(LinkError::Campus(CampusError::SessionExpired(_))) if known => {
                    session.leave(System::Vpn);
                    known = false;
                }
                outcome => return outcome,
            }
        }
    }

    async fn fetch(&self, session: &mut Session, link: &Link) -> Result<Notice, LinkError> {
        let request = self.request(&link.url);
        let arrival = self.outbound.open(System::Bulletin, request, &mut session.cookies).await.map_err(link_error)?;
        // A page may come instead of a file, such as a login page.
        if is_page(&arrival) {
            let read = |html: &str| parse_notice::parse_notice(html, link);
            let (name, encoding) = (parse_notice::PAGE, PageEncoding::Gbk);
            return read_article(System::Bulletin, arrival, name, encoding, read).await.map(Notice::Text);
        }
        there(System::Bulletin, &arrival, "bulletin-file")?;
        Ok(Notice::File(arrival.well()))
    }

    /// `GET` of an inner address through the VPN. Redirects never lead to another inner host.
    fn request(&self, inner: &Url) -> Request {
        let path = inner.query().map_or_else(|| inner.path().to_owned(), |query| format!("{}?{query}", inner.path()));
        let host = self.host.clone();
        Request::get(self.vpn.inner(1, 1, &self.host, &path)).within(move |url| may_lead(url, &host))
    }

    async fn enter(&self, session: &mut Session) -> Result<(), CampusError> {
        if session.is_in(System::Vpn) {
            return Ok(());
        }
        let (student_id, password) = self.account.as_ref().ok_or(CampusError::SessionExpired(System::Vpn))?;
        self.vpn.log_in(student_id, password, false, session).await
    }
}

fn not_asked(missing: &'static str) -> CampusError {
    CampusError::Changed { system: System::Bulletin, page: parse_board::PAGE, missing }
}

/// Whether the answer is a page and not a file: by its media type, or else by its address.
fn is_page(arrival: &Arrival<'_>) -> bool {
    let download = &arrival.download;
    match download.content_type().as_deref() {
        Some("text/html" | "application/xhtml+xml") => true,
        Some("application/octet-stream") | None => {
            let path = download.url().path().to_ascii_lowercase();
            [".aspx", ".asp", ".htm", ".html", ".csp"].iter().any(|end| path.ends_with(end))
        }
        Some(_) => false,
    }
}
