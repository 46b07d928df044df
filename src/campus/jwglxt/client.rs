//! The client: sessions, and a request for each kind of data.

use url::Url;

use super::{
    login::caller_of,
    moved::Moved,
    numbers::mask_of,
    parse_record::{Record, parse_record, parse_record_page},
    parse_rooms::parse_room_page,
    parse_scores::{GradeRow, parse_score_page, valid},
    parse_table::parse_table,
    terms::{parse_weeks, query_of},
};
use crate::{
    campus::{
        CampusError,
        academic::{AcademicLogin, AcademicSystem},
        judge,
        listing::{Leaves, Listing},
        page::{Leaf, PageEncoding, PageError, Reading},
        pause::Pauses,
        session::Session,
        site::{join, moment},
        text_of,
    },
    model::academic::{FreeRoom, Grade, RoomQuery, StudentRecord, Term, Timetable},
    outbound::{Answer, Outbound, Request, System},
    school::JwglxtOptions,
};

/// How many rows of a list are asked for at once.
const ROWS: &str = "100";

/// Fact of a session: whose it is.
const STUDENT: &str = "student";

/// A module of the system: the number that it has at every school, and the page from which a browser asks it, the one that
/// the menu names.
struct Module {
    number: &'static str,
    page: &'static str,
}

const TABLE: Module = Module { number: "N2151", page: "/kbcx/xskbcx_cxXskbcxIndex.html" };
const SCORES: Module = Module { number: "N305005", page: "/cjcx/cjcx_cxDgXscj.html" };
const ROOMS: Module = Module { number: "N2155", page: "/cdjy/cdjy_cxKxcdlb.html" };
const RECORD: Module = Module { number: "N100801", page: "/xsxxxggl/xsgrxxwh_cxXsgrxx.html" };
/// No menu with it was seen; its page is from memory.
const WEEKS: Module = Module { number: "N214505", page: "/kbdy/bjkbdy_cxBjkbdyIndex.html" };

/// Client of jwglxt.
#[derive(Debug, Clone)]
pub struct Jwglxt {
    pub(super) base: Url,
    pub(super) options: JwglxtOptions,
    pub(super) outbound: Outbound,
    pub(super) pauses: Pauses,
    table: Moved,
    scores: Moved,
}

impl Jwglxt {
    pub(in crate::campus) fn new(base: &Url, options: JwglxtOptions, outbound: Outbound, pauses: Pauses) -> Self {
        let table = Moved::new("zf-table", "/kbcx/xskbcx_cxXsgrkb.html", "/kbcx/xskbcx_cxXsKb.html");
        let scores = Moved::new("zf-score", "/cjcx/cjcx_cxXsgrcj.html", "/cjcx/cjcx_cxDgXscj.html");
        Self { base: base.clone(), options, outbound, pauses, table, scores }
    }

    pub(super) fn url(&self, path: &str) -> Url {
        join(&self.base, path)
    }

    /// Address of an answer of a module.
    fn address(&self, path: &str, module: &Module) -> Url {
        let mut url = self.url(path);
        url.query_pairs_mut().append_pair("gnmkdm", module.number);
        url
    }

    /// Address of a list of a module.
    fn list(&self, path: &str, module: &Module) -> Url {
        let mut url = self.address(path, module);
        url.query_pairs_mut().append_pair("doType", "query");
        url
    }

    /// `request`, as the page of the module sends it in a browser.
    fn sent_by(&self, module: &Module, request: Request) -> Request {
        let mut page = self.address(module.page, module);
        page.query_pairs_mut().append_pair("layout", "default");
        request.referer(&page)
    }

    /// `POST` of a form to a module.
    fn post(&self, url: Url, module: &Module, fields: &[(&str, &str)]) -> Request {
        self.sent_by(module, Request::form(url, fields))
    }

    /// Address with a time, as the pages write it against caches.
    pub(super) fn timed(&self, path: &str) -> Url {
        let mut url = self.url(path);
        url.query_pairs_mut().append_pair("time", &moment());
        url
    }

    /// Whether the session is the student's and was used lately: an older one has ended, by the profile.
    fn trusts(&self, login: &AcademicLogin, session: &Session) -> bool {
        session.is_in_within(System::Jwglxt, self.options.session_life)
            && session.fact(STUDENT) == Some(login.student_id.as_str())
    }

    /// Logs the student in unless the session is, with at most one password sent (two where the profile says
    /// `login_twice`, after an answer that is none).
    async fn enter(&self, login: &AcademicLogin, session: &mut Session) -> Result<(), CampusError> {
        if self.trusts(login, session) {
            return Ok(());
        }
        session.leave(System::Jwglxt);
        session.forget_facts();
        self.pauses.around(caller_of(login), self.log_in(login, session)).await?;
        session.enter(System::Jwglxt);
        session.note(STUDENT, login.student_id.clone());
        Ok(())
    }

    /// Sends a request and reads the answer. Any redirect is an ended session: data come without.
    pub(super) async fn ask<T>(
        &self,
        request: Request,
        session: &mut Session,
        read: impl FnOnce(&Answer) -> Result<T, PageError>,
    ) -> Result<T, CampusError> {
        session.pace(self.options.pace).await;
        let request = request.by_script().without_redirects();
        let sent = self.outbound.send(System::Jwglxt, request, &mut session.cookies).await;
        let exchange = sent.map_err(CampusError::of_outbound)?;
        if exchange.answer.redirect().is_some() || exchange.answer.status.as_u16() == SESSION_OVER {
            return judge(exchange, session, Err(CampusError::SessionExpired(System::Jwglxt)));
        }
        let read = read(&exchange.answer);
        let outcome = judge(exchange, session, read.map_err(|error| CampusError::of_page(System::Jwglxt, error)));
        if outcome.is_ok() {
            session.touch(System::Jwglxt);
        }
        outcome
    }

    /// Sends a request that needs a login. An ended session may be answered with anything: after a login page, an error or
    /// an unknown answer, the student enters once more, which replaces the session only if it works.
    pub(super) async fn page<T>(
        &self,
        login: &AcademicLogin,
        session: &mut Session,
        request: impl Fn() -> Request,
        read: impl Fn(&Answer) -> Result<T, PageError>,
    ) -> Result<T, CampusError> {
        let known = self.trusts(login, session);
        Box::pin(self.enter(login, session)).await?;
        match self.ask(request(), session, &read).await {
            Err(error) if known && !session.password_was_sent() && error.may_be_a_dead_session() => {
                let mut beside = session.clone();
                beside.leave(System::Jwglxt);
                let entered = Box::pin(self.enter(login, &mut beside)).await;
                if matches!(entered, Err(CampusError::NeedsCaptcha(..))) {
                    // The login goes on in the session that was shown the captcha.
                    session.clone_from(&beside);
                } else if beside.password_was_sent() {
                    // The attempt has had its password, whatever became of the login.
                    session.begin_password();
                }
                entered?;
                *session = beside;
                self.ask(request(), session, &read).await
            }
            outcome => outcome,
        }
    }

    async fn record(&self, login: &AcademicLogin, session: &mut Session) -> Result<Record, CampusError> {
        let json = || self.post(self.address("/xsxxxggl/xsxxwh_cxCkDgxsxx.html", &RECORD), &RECORD, &[]);
        let record = if let Some(record) = self.page(login, session, json, by_text(parse_record)).await? {
            record
        } else {
            let html = || self.sent_by(&RECORD, Request::get(self.address(RECORD.page, &RECORD)));
            self.page(login, session, html, by_text(parse_record_page)).await?
        };
        if record.student.number == login.student_id {
            Ok(record)
        } else {
            Err(CampusError::changed(System::Jwglxt, "zf-record", "the student's own number"))
        }
    }
}

impl AcademicSystem for Jwglxt {
    async fn verify(&self, login: &AcademicLogin, session: &mut Session) -> Result<StudentRecord, CampusError> {
        if login.answer.is_none() {
            // With exactly this password.
            session.clear();
        }
        // Nor does a session count that lived while the captcha was shown.
        session.leave(System::Jwglxt);
        Ok(self.record(login, session).await?.student)
    }

    async fn open(&self, login: &AcademicLogin, session: &mut Session) -> Result<(), CampusError> {
        if login.answer.is_some() {
            session.leave(System::Jwglxt);
        }
        self.record(login, session).await.map(|_| ())
    }

    async fn current_term(&self, login: &AcademicLogin, session: &mut Session) -> Result<Term, CampusError> {
        let name = self.record(login, session).await?.term.ok_or_else(no_term)?;
        let (year, part) = query_of(&name).ok_or_else(no_term)?;
        let form = [("xnm", year.as_str()), ("xqm", part)];
        let request = || self.post(self.address("/kbdy/bjkbdy_cxZcxx.html", &WEEKS), &WEEKS, &form);
        let dates = match self.page(login, session, request, by_text(parse_weeks)).await {
            Ok(dates) => dates,
            Err(error @ (CampusError::Changed { .. } | CampusError::Closed(..) | CampusError::Failing(_))) => {
                tracing::warn!(%error, "the dates of the term are not told");
                None
            }
            Err(error) => return Err(error),
        };
        Ok(Term { name, system_id: String::new(), dates })
    }

    async fn timetable(
        &self,
        login: &AcademicLogin,
        term: &Term,
        session: &mut Session,
    ) -> Result<Timetable, CampusError> {
        let (year, part) = query_of(&term.name).ok_or_else(no_term)?;
        let form =
            [("xnm", year.as_str()), ("xqm", part), ("kzlx", "ck"), ("xsdm", ""), ("kclbdm", ""), ("kclxdm", "")];
        let request = |path: &str| self.post(self.address(path, &TABLE), &TABLE, &form);
        let is_empty = |read: &Reading<Timetable>| read.data.meetings.is_empty() && read.data.unscheduled.is_empty();
        Ok(self.at_either(&self.table, login, session, request, parse_table, is_empty).await?.told())
    }

    async fn grades(
        &self,
        login: &AcademicLogin,
        term: &Term,
        session: &mut Session,
    ) -> Result<Listing<Vec<Grade>>, CampusError> {
        let (year, part) = query_of(&term.name).ok_or_else(no_term)?;
        let mut leaves = Leaves::new();
        let mut next = Some(1);
        while let Some(number) = next {
            let mut form = paging(number, ROWS);
            form.extend([("xnm".to_owned(), year.clone()), ("xqm".to_owned(), part.to_owned())]);
            let request = |path: &str| self.post(self.list(path, &SCORES), &SCORES, &borrowed(&form));
            let parse = |body: &str| parse_score_page(body, number);
            let is_empty = |read: &Reading<Leaf<GradeRow, u32>>| read.data.rows.is_empty();
            let read = self.at_either(&self.scores, login, session, request, parse, is_empty).await;
            next = match read {
                Ok(read) => leaves.take(read.told()),
                Err(error) if number > 1 && !matches!(error, CampusError::WrongPassword(..)) => {
                    tracing::warn!(%error, "a further page of the scores did not come");
                    break;
                }
                Err(error) => return Err(error),
            };
        }
        let Listing { data, partial } = leaves.finish();
        Ok(Listing { data: valid(data), partial })
    }

    async fn rooms(
        &self,
        login: &AcademicLogin,
        term: &Term,
        query: &RoomQuery,
        session: &mut Session,
    ) -> Result<Vec<FreeRoom>, CampusError> {
        let (year, part) = query_of(&term.name).ok_or_else(no_term)?;
        let url = self.list("/cdjy/cdjy_cxKxcdlb.html", &ROOMS);
        let bit = |number: u8| mask_of([number]).to_string();
        let fields = [
            ("fwzt", "cx".to_owned()),
            ("xnm", year),
            ("xqm", part.to_owned()),
            ("xqh_id", query.campus_id.clone()),
            ("jyfs", "0".to_owned()),
            ("zcd", bit(query.week)),
            ("xqj", query.weekday.to_string()),
            ("jcd", mask_of(query.first..=query.last).to_string()),
            ("lh", query.building_id.clone()),
            ("cdlb_id", String::new()),
            ("cdejlb_id", String::new()),
            ("qszws", String::new()),
            ("jszws", String::new()),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        let mut leaves = Leaves::new();
        let mut next = Some(1);
        while let Some(number) = next {
            let mut form = paging(number, "1500");
            form.extend(fields.clone());
            let request = || self.post(url.clone(), &ROOMS, &borrowed(&form));
            let read = by_text(|body| parse_room_page(body, number));
            next = leaves.take(self.page(login, session, request, read).await?);
        }
        let Listing { data, partial } = leaves.finish();
        if partial {
            // Rooms that are missing in a list of free rooms would be taken for occupied ones.
            return Err(CampusError::changed(System::Jwglxt, "zf-rooms", "all pages"));
        }
        Ok(data)
    }

    async fn log_out(&self, _: &mut Session) {}
}

/// Reads the text of an answer.
pub(super) fn by_text<T>(parse: impl Fn(&str) -> Result<T, PageError>) -> impl Fn(&Answer) -> Result<T, PageError> {
    move |answer: &Answer| parse(&text_of(answer, PageEncoding::Utf8)?)
}

/// Status by which some schools answer instead of the login page.
const SESSION_OVER: u16 = 901;

/// The fields by which a list is asked for, of both generations of the system: one school refuses a list without the
/// second ones.
fn paging(page: u32, rows: &str) -> Vec<(String, String)> {
    let page = page.to_string();
    let fields = [
        ("_search", "false"),
        ("nd", &moment()),
        ("queryModel.showCount", rows),
        ("queryModel.currentPage", &page),
        ("queryModel.sortName", ""),
        ("queryModel.sortOrder", "asc"),
        ("time", "0"),
        ("page", &page),
        ("rows", rows),
        ("sidx", ""),
        ("sord", "asc"),
    ];
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn borrowed(form: &[(String, String)]) -> Vec<(&str, &str)> {
    form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn no_term() -> CampusError {
    CampusError::changed(System::Jwglxt, "zf-record", "the current term")
}
