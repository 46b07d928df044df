//! The library's catalogue (ASP.NET): login, loans and their renewal, search, copies of a book. UTF-8.

mod pages;
mod renewal;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use crate::call::Call;
use crate::config::SimConfig;
use crate::gate::Refused;
use crate::page::{self, html};
use crate::sessions::Sessions;
use crate::sim::Sim;
use crate::student::Loan;
use crate::system::{Kind, Operation, System};

/// Name of the session cookie.
const COOKIE: &str = "ASP.NET_SessionId";

/// Most books one page of a search shows (`CountOfPage`).
const PER_PAGE: usize = 30;

const LOGIN_PAGE: Operation = Operation::new(System::Library, "login_page", Kind::Open);
const LOGIN: Operation = Operation::new(System::Library, "login", Kind::Open);
const BORROWING: Operation = Operation::new(System::Library, "borrowing", Kind::Table);
const RENEW: Operation = Operation::new(System::Library, "renew", Kind::Open);
const SEARCH: Operation = Operation::new(System::Library, "search", Kind::List);
const BOOK: Operation = Operation::new(System::Library, "book", Kind::List);

/// What the library remembers: who is logged in.
#[derive(Debug)]
pub(crate) struct LibraryState {
    pub(crate) sessions: Sessions<String>,
}

impl LibraryState {
    pub(crate) fn new(config: &SimConfig) -> Self {
        Self { sessions: Sessions::new(config.session_ttl) }
    }
}

pub(crate) fn router() -> Router<Sim> {
    Router::new()
        .route("/library/OutLogin.aspx", get(login_page).post(login))
        .route("/library/Borrowing.aspx", get(borrowing).post(renew))
        .route("/library/SearchResult.aspx", get(search))
        .route("/library/Book.aspx", get(book))
}

async fn login_page(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let _visit = sim.admit(LOGIN_PAGE, &call.wire).await?;
    Ok(html(System::Library, &pages::login(None)))
}

async fn login(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let Some(form) = call.form().filter(|_| call.query.get("kind") == "2") else {
        return Ok(sim.unexpected(&call, "a login is a form sent to OutLogin.aspx?kind=2"));
    };
    let visit = sim.admit(LOGIN, &call.wire).await?;
    if let Some(text) = &visit.says {
        sim.counter().outcome(System::Library, "login.told");
        return Ok(html(System::Library, &pages::login(Some(text))));
    }
    let student = sim.student(form.get("userid")).filter(|student| student.library_password == form.get("password"));
    let Some(student) = student else {
        sim.counter().outcome(System::Library, "login.refused");
        return Ok(html(System::Library, &pages::login(Some("用户名或密码错误！"))));
    };
    sim.counter().outcome(System::Library, "login.ok");
    let id = sim.systems().library.sessions.open(student.number);
    let mut response = page::found("/library/Borrowing.aspx");
    page::set_cookie(&mut response, &format!("{COOKIE}={id}; path=/; HttpOnly"));
    Ok(response)
}

async fn borrowing(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let visit = sim.admit(BORROWING, &call.wire).await?;
    let sessions = &sim.systems().library.sessions;
    let id = sessions.of(&call.headers, COOKIE, visit.expired);
    if visit.dead {
        return Ok(page::server_error());
    }
    let number = id.and_then(|id| sessions.with(id, |number| number.clone()));
    let page = match number.and_then(|number| sim.student(&number)) {
        Some(student) => pages::borrowing(if visit.empty { &[] } else { &student.loans }, 0, None),
        None => pages::login(None),
    };
    Ok(html(System::Library, &page))
}

/// A link of the list of loans was followed: the page is sent back to itself.
async fn renew(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let Some(form) = call.form().filter(|form| form.find("__EVENTTARGET").is_some()) else {
        return Ok(sim.unexpected(&call, "the list of loans is sent back with __EVENTTARGET"));
    };
    let visit = sim.admit(RENEW, &call.wire).await?;
    let sessions = &sim.systems().library.sessions;
    let id = sessions.of(&call.headers, COOKIE, visit.expired);
    let number = id.and_then(|id| sessions.with(id, |number| number.clone()));
    let Some(student) = number.and_then(|number| sim.student(&number)) else {
        return Ok(html(System::Library, &pages::login(None)));
    };
    let is_shown = |page: &[Loan]| {
        let state = renewal::State::of(page);
        form.get("__VIEWSTATE") == state.view && form.get("__EVENTVALIDATION") == state.validation
    };
    let Some(page) = student.loans.chunks(pages::LOANS).position(is_shown) else {
        return Ok(sim.unexpected(&call, "the page's hidden fields come back as they were"));
    };
    let target = form.get("__EVENTTARGET").to_owned();
    let first = page * pages::LOANS;
    if target == pages::PAGER && form.get("__EVENTARGUMENT") == "Page$Next" {
        let next = (page + 1).min(student.loans.len().saturating_sub(1) / pages::LOANS);
        return Ok(html(System::Library, &pages::borrowing(&student.loans, next, None)));
    }
    let Some(row) = renewal::row(&target, &student.loans[first..]).map(|row| first + row) else {
        return Ok(sim.unexpected(&call, "only a link of the page can be followed"));
    };
    let refusal = renewal::refusal(&student.loans[row]);
    let outcome = if refusal.is_some() { "renew.refused" } else { "renew.ok" };
    sim.counter().outcome(System::Library, outcome);
    if refusal.is_none() {
        sim.edit_student(&student.number, |student| student.loans.get_mut(row).into_iter().for_each(renewal::renew));
    }
    let loans = sim.student(&student.number).map(|student| student.loans).unwrap_or_default();
    Ok(html(System::Library, &pages::borrowing(&loans, page, refusal.or(Some("续借成功！")))))
}

/// Parameters of every search, in addition to the words.
const SEARCH_PARAMETERS: [(&str, &str); 17] = [
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

async fn search(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let wrong = SEARCH_PARAMETERS.iter().find(|(name, value)| call.query.find(name) != Some(value));
    if let Some((name, value)) = wrong {
        return Ok(sim.unexpected(&call, &format!("a search is sent with {name}={value}")));
    }
    let Some(words) = call.query.find("Titlie") else {
        return Ok(sim.unexpected(&call, "a search is sent with Titlie=<title>"));
    };
    let visit = sim.admit(SEARCH, &call.wire).await?;
    let mut books = if visit.empty || words.trim().is_empty() { Vec::new() } else { sim.find_books(words) };
    let found = books.len();
    books.truncate(PER_PAGE);
    Ok(html(System::Library, &pages::search(words.trim(), found, &books)))
}

async fn book(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let Some(id) = call.query.find("id") else {
        return Ok(sim.unexpected(&call, "a book is asked for with id=<id>"));
    };
    let visit = sim.admit(BOOK, &call.wire).await?;
    let book = sim.world().book(id);
    let copies = book.filter(|_| !visit.empty).map(|book| book.copies).unwrap_or_default();
    Ok(html(System::Library, &pages::copies(id, &copies)))
}
