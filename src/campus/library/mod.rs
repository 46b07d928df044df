//! The library's catalogue (OPAC, ASP.NET).

pub mod parse_book;
pub mod parse_borrowing;
pub mod parse_renewal;
pub mod parse_search;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{
    CampusError,
    page::login_outcome,
    session::Session,
    site::{SignIn, Site},
};
use crate::outbound::{Outbound, Request, System};
use parse_book::BookCopy;
use parse_borrowing::Loan;
use parse_renewal::Offer;
use parse_search::Book;

/// What a search is always sent with, besides the title.
const SEARCH: [(&str, &str); 17] = [
    ("KindOfSearch", "1"),
    ("FieldToSort", "0"),
    ("DirectionOfSort", "DESC"),
    ("StoreAtWhere", "ALL"),
    ("CountOfPage", "30"),
    ("SecSerchKey", ""),
    ("SecSerchWord", ""),
    ("PYM", ""),
    ("ZTFL", ""),
    ("SSH", ""),
    ("ZRZ", ""),
    ("ISBN", ""),
    ("CSM", ""),
    ("CBS", ""),
    ("ZTC", ""),
    ("ZDY", ""),
    ("LAN", "0"),
];

/// What became of a renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// It was renewed; these are all loans as they are now.
    Renewed(Vec<Loan>),
    /// There is no loan of this number.
    Unknown,
    /// The library does not renew this one.
    NotRenewable,
    /// The library was asked and changed nothing; these are all loans as they are.
    Refused(Vec<Loan>),
}

/// Client of the library.
#[derive(Debug, Clone)]
pub struct Library(Site);

impl Library {
    pub(super) fn new(base: &Url, outbound: &Outbound) -> Self {
        Self(Site::new(System::Library, base, outbound))
    }

    /// The reader's loans.
    ///
    /// # Errors
    /// See [`CampusError`].
    pub async fn loans(
        &self,
        student_id: &str,
        password: &SecretString,
        session: &mut Session,
    ) -> Result<Vec<Loan>, CampusError> {
        let request = || Request::get(self.0.url("/Borrowing.aspx"));
        let reader = Reader { site: &self.0, student_id, password };
        self.0.ask_signed_in(request, session, &reader, parse_borrowing::parse_borrowing).await
    }

    /// Renews the loan of the copy `number`, by what the list of loans offers for it. It is sent once: whether a repeated
    /// one would be a second renewal cannot be known.
    ///
    /// # Errors
    /// See [`CampusError`].
    pub async fn renew(
        &self,
        student_id: &str,
        password: &SecretString,
        number: &str,
        session: &mut Session,
    ) -> Result<Renewal, CampusError> {
        let address = self.0.url("/Borrowing.aspx");
        let reader = Reader { site: &self.0, student_id, password };
        let offer = |html: &str| parse_renewal::parse_renewal(html, number);
        let form = match self.0.ask_signed_in(|| Request::get(address.clone()), session, &reader, offer).await? {
            Offer::Unknown => return Ok(Renewal::Unknown),
            Offer::NotRenewable => return Ok(Renewal::NotRenewable),
            Offer::Renewable(form) => form,
        };
        let fields: Vec<(&str, &str)> =
            form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let request = Request::form(address.clone(), &fields).referer(&address);
        let loans = self.0.ask(request, session, parse_borrowing::parse_borrowing).await?;
        let renewed = loans.iter().any(|loan| parse_renewal::is_renewed(&form.loan, loan));
        Ok(if renewed { Renewal::Renewed(loans) } else { Renewal::Refused(loans) })
    }

    /// Books whose title contains `title`.
    ///
    /// # Errors
    /// See [`CampusError`].
    pub async fn search(&self, title: &str, session: &mut Session) -> Result<Vec<Book>, CampusError> {
        let mut url = self.0.url("/SearchResult.aspx");
        // The catalogue spells the parameter this way.
        url.query_pairs_mut().extend_pairs(SEARCH).append_pair("Titlie", title);
        self.0.ask(Request::get(url), session, parse_search::parse_search).await
    }

    /// Copies of a book.
    ///
    /// # Errors
    /// See [`CampusError`].
    pub async fn copies(&self, id: &str, session: &mut Session) -> Result<Vec<BookCopy>, CampusError> {
        let mut url = self.0.url("/Book.aspx");
        url.query_pairs_mut().append_pair("id", id);
        self.0.ask(Request::get(url), session, parse_book::parse_copies).await
    }
}

/// Somebody with a reader's card.
struct Reader<'a> {
    site: &'a Site,
    student_id: &'a str,
    password: &'a SecretString,
}

impl SignIn for Reader<'_> {
    /// The answer leads to the list of loans, or is the login form with a refusal.
    async fn log_in(&self, session: &mut Session) -> Result<(), CampusError> {
        let form = [("userid", self.student_id), ("password", self.password.expose_secret())];
        let request = Request::form(self.site.url("/OutLogin.aspx?kind=2"), &form);
        let read = |html: &str| login_outcome(html, parse_borrowing::parse_borrowing(html).map(drop));
        self.site.ask(request, session, read).await
    }
}
