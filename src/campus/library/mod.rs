//! The library's catalogue (OPAC, ASP.NET).

pub mod parse_book;
pub mod parse_borrowing;
pub mod parse_renewal;
pub mod parse_search;
pub mod turn;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{
    CampusError,
    listing::{Leaves, Listing, MAX_PAGES},
    page::{Leaf, PageError, login_outcome},
    pause::Pauses,
    session::Session,
    site::{SignIn, Site},
};
use crate::{
    model::{Book, BookCopy, Loan},
    outbound::{Outbound, Request, System},
};
use parse_renewal::Offer;
use turn::Fields;

/// The fixed parameters of a search, in addition to the title.
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

/// The outcome of a renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// It was renewed; all loans as they are now.
    Renewed(Listing<Vec<Loan>>),
    /// No loan has this number.
    Unknown,
    /// The library does not renew this one.
    NotRenewable,
    /// The library was asked and changed nothing; all loans as they are.
    Refused(Listing<Vec<Loan>>),
}

/// Client of the library.
#[derive(Debug, Clone)]
pub struct Library(Site);

impl Library {
    pub(super) fn new(base: &Url, outbound: &Outbound, pauses: Pauses) -> Self {
        Self(Site::new(System::Library, base, outbound, pauses))
    }

    /// The reader's loans, of all pages. If a further page fails, the list is partial.
    pub async fn loans(
        &self,
        student_id: &str,
        password: &SecretString,
        session: &mut Session,
    ) -> Result<Listing<Vec<Loan>>, CampusError> {
        let address = self.0.url("/Borrowing.aspx");
        let reader = Reader { site: &self.0, student_id, password };
        let parse = |html: &str| parse_borrowing::parse_loan_page(html, 1);
        let first = self.0.ask_signed_in(|| Request::get(address.clone()), session, &reader, parse).await?;
        Ok(self.turn_over(&address, first, session, parse_borrowing::parse_loan_page).await)
    }

    /// The list that begins with the page `first` of `address`, up to the first page that fails.
    async fn turn_over<T: PartialEq>(
        &self,
        address: &Url,
        first: Leaf<T, Fields>,
        session: &mut Session,
        parse: impl Fn(&str, u32) -> Result<Leaf<T, Fields>, PageError>,
    ) -> Listing<Vec<T>> {
        let mut leaves = Leaves::new();
        let mut next = leaves.take(first);
        for number in 2.. {
            let Some(fields) = next else { break };
            let request = Request::form(address.clone(), &pairs(&fields)).referer(address);
            next = match self.0.ask(request, session, |html| parse(html, number)).await {
                Ok(leaf) => leaves.take(leaf),
                Err(error) => {
                    tracing::warn!(%error, number, "a further page of a list did not come");
                    break;
                }
            };
        }
        leaves.finish()
    }

    /// Renews the loan of the copy `number`, with the form in the list of loans. It is never retried: a second request
    /// might be a second renewal.
    pub async fn renew(
        &self,
        student_id: &str,
        password: &SecretString,
        number: &str,
        session: &mut Session,
    ) -> Result<Renewal, CampusError> {
        let address = self.0.url("/Borrowing.aspx");
        let reader = Reader { site: &self.0, student_id, password };
        // The loan may be on any page of the list; its form is read from that page.
        let read = |html: &str, page: u32| {
            let offer = parse_renewal::parse_renewal(html, number)?;
            Ok((offer, parse_borrowing::parse_loan_page(html, page)?.next))
        };
        let first = |html: &str| read(html, 1);
        let (mut offer, mut next) =
            self.0.ask_signed_in(|| Request::get(address.clone()), session, &reader, first).await?;
        for page in 2..=u32::try_from(MAX_PAGES).unwrap_or(1) {
            let (Offer::Unknown, Some(fields)) = (&offer, next) else { break };
            let request = Request::form(address.clone(), &pairs(&fields)).referer(&address);
            (offer, next) = self.0.ask(request, session, |html| read(html, page)).await?;
        }
        let form = match offer {
            Offer::Unknown => return Ok(Renewal::Unknown),
            Offer::NotRenewable => return Ok(Renewal::NotRenewable),
            Offer::Renewable(form) => form,
        };
        let request = Request::form(address.clone(), &pairs(&form.fields)).referer(&address);
        let answer = self.0.ask(request, session, |html| parse_borrowing::parse_loan_page(html, 1)).await?;
        // The answer is the page with the loan, perhaps one of several.
        let shown = answer.rows.iter().any(|loan| parse_renewal::is_renewed(&form.loan, loan));
        let loans = if answer.is_part() {
            self.loans(student_id, password, session).await?
        } else {
            Listing::from(answer.rows)
        };
        let renewed = shown || loans.data.iter().any(|loan| parse_renewal::is_renewed(&form.loan, loan));
        Ok(if renewed { Renewal::Renewed(loans) } else { Renewal::Refused(loans) })
    }

    /// Books whose title contains `title`, from the first pages of the result.
    pub async fn search(&self, title: &str, session: &mut Session) -> Result<Listing<Vec<Book>>, CampusError> {
        let mut url = self.0.url("/SearchResult.aspx");
        // The catalogue spells the parameter so.
        url.query_pairs_mut().extend_pairs(SEARCH).append_pair("Titlie", title);
        let first =
            self.0.ask(Request::get(url.clone()), session, |html| parse_search::parse_search_page(html, 1)).await?;
        Ok(self.turn_over(&url, first, session, parse_search::parse_search_page).await)
    }

    /// Copies of a book.
    pub async fn copies(&self, id: &str, session: &mut Session) -> Result<Vec<BookCopy>, CampusError> {
        let mut url = self.0.url("/Book.aspx");
        url.query_pairs_mut().append_pair("id", id);
        self.0.ask(Request::get(url), session, parse_book::parse_copies).await
    }
}

/// Names and values for a form.
fn pairs(fields: &Fields) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// A person with a library account.
struct Reader<'a> {
    site: &'a Site,
    student_id: &'a str,
    password: &'a SecretString,
}

impl SignIn for Reader<'_> {
    fn account(&self) -> &str {
        self.student_id
    }

    /// The answer is the list of loans, or the login form with a refusal.
    async fn log_in(&self, session: &mut Session) -> Result<(), CampusError> {
        let form = [("userid", self.student_id), ("password", self.password.expose_secret())];
        let request = Request::form(self.site.url("/OutLogin.aspx?kind=2"), &form);
        let read = |html: &str| login_outcome(html, parse_borrowing::parse_borrowing(html).map(drop));
        self.site.ask(request, session, read).await
    }
}
