//! The 树维 EAMS academic system: client, and parsers of its pages.
//!
//! The answers are fragments of pages, so none of them ends with `</html>`: that a list is whole is told by the end of its
//! table. Scripts hold the data of the weekly table and of the terms; they are read as text and never run.

mod enter;
mod list;
mod own_login;
pub mod parse_app;
pub mod parse_calendar;
pub mod parse_entry;
pub mod parse_evaluation;
pub mod parse_exams;
pub mod parse_login;
pub mod parse_plan;
pub mod parse_record;
pub mod parse_rooms;
pub mod parse_scores;
pub mod parse_table;
pub mod parse_terms;
mod script;
pub mod signals;

use std::{sync::Arc, time::Duration};

use url::Url;

use super::{
    CampusError,
    academic::{AcademicLogin, AcademicSystem},
    cas::Cas,
    judge,
    listing::Listing,
    page::{PageEncoding, PageError},
    pause::Pauses,
    session::Session,
    site::{join, moment},
    text_of,
};
use crate::{
    model::academic::{FreeRoom, Grade, RoomQuery, StudentRecord, Term, TermEntry, Timetable},
    outbound::{Outbound, Request, System},
    school::EamsOptions,
};
use enter::{Purpose, Reached};
use own_login::LoginPlace;
use parse_entry::Entry;
use parse_scores::ScoreColumns;

/// Pause after the system said that it was asked too fast; 2.5 s were enough where it was measured.
const TOO_FAST_PAUSE: Duration = Duration::from_millis(2500);

/// Facts of a session: what the entry page told, and that the page of rooms was asked for.
const IDS: &str = "ids";
const BAR: &str = "bar";
const TERM: &str = "term";
const ROOMS: &str = "rooms";

/// Client of EAMS.
#[derive(Debug, Clone)]
pub struct Eams {
    base: Url,
    options: EamsOptions,
    columns: ScoreColumns,
    cas: Option<Arc<Cas>>,
    outbound: Outbound,
    pauses: Pauses,
    login_place: LoginPlace,
}

impl Eams {
    /// `cas`: the sign-on in front of it; without one its own login page is used.
    pub(super) fn new(
        base: &Url,
        options: EamsOptions,
        cas: Option<Arc<Cas>>,
        outbound: Outbound,
        pauses: Pauses,
    ) -> Self {
        let columns =
            ScoreColumns::with(options.score_columns.iter().map(|(name, column)| (name.clone(), (*column).into())));
        Self { base: base.clone(), options, columns, cas, outbound, pauses, login_place: LoginPlace::default() }
    }

    /// Address of an action, relative to the base.
    fn url(&self, action: &str) -> Url {
        join(&self.base, &format!("/{action}"))
    }

    /// Whether an address is EAMS's own; scheme and port count, too, and other things may be on its host.
    fn owns(&self, url: &Url) -> bool {
        let below = url.path().strip_prefix(self.base.path().trim_end_matches('/'));
        url.origin() == self.base.origin() && below.is_some_and(|path| path.is_empty() || path.starts_with('/'))
    }

    /// Ends the session at EAMS on our side; the ticket of the sign-on stays.
    fn forget_own_cookies(&self, session: &mut Session) {
        session.cookies.forget_all(&self.url(&self.options.entry));
    }

    /// `GET` of an action as a script of the page does it, so that the answer comes without a frame.
    fn get(&self, action: &str, query: &[(&str, &str)]) -> Request {
        let mut url = self.fragment(action, query);
        url.query_pairs_mut().append_pair("_", &moment());
        Request::get(url).by_script().referer(&self.url("home.action")).without_redirects()
    }

    /// `POST` of a form, in the same way.
    fn form(&self, url: Url, fields: &[(&str, &str)]) -> Request {
        Request::form(url, fields).by_script().referer(&self.url("home.action")).without_redirects()
    }

    /// Sends a request of a session and reads the answer with `parse`. A redirect to the sign-on is an ended session.
    async fn ask<T>(
        &self,
        request: Request,
        session: &mut Session,
        parse: impl FnOnce(&str) -> Result<T, PageError>,
    ) -> Result<T, CampusError> {
        session.pace(self.options.pace).await;
        let exchange = match self.travel(request, Purpose::Read, session).await? {
            Reached::SignOn(_) | Reached::Away => return Err(CampusError::SessionExpired(System::Eams)),
            Reached::Page(exchange) => exchange,
        };
        let read = text_of(&exchange.answer, PageEncoding::Utf8).and_then(|text| parse(&text));
        let outcome = judge(exchange, session, read.map_err(|error| CampusError::of_page(System::Eams, error)));
        if outcome.is_ok() {
            session.touch(System::Eams);
        }
        outcome
    }

    /// As [`Eams::ask`], but once more after a pause where the system was asked too fast, or has just ended an older
    /// session of the student.
    async fn ask_again<T>(
        &self,
        request: &impl Fn() -> Request,
        session: &mut Session,
        parse: &impl Fn(&str) -> Result<T, PageError>,
    ) -> Result<T, CampusError> {
        match self.ask(request(), session, parse).await {
            Err(CampusError::TooFast(_)) => {
                tokio::time::sleep(TOO_FAST_PAUSE).await;
                self.ask(request(), session, parse).await
            }
            outcome => outcome,
        }
    }

    /// Sends a request that needs a login. An ended session may be answered with anything: after a login page, an error or
    /// an unknown page, the student enters once more, which replaces the session only if it works.
    async fn page<T>(
        &self,
        login: &AcademicLogin,
        session: &mut Session,
        request: impl Fn() -> Request,
        parse: impl Fn(&str) -> Result<T, PageError>,
    ) -> Result<T, CampusError> {
        let known = self.trusts(login, session);
        Box::pin(self.enter(login, session)).await?;
        match self.ask_again(&request, session, &parse).await {
            Err(error) if known && !session.password_was_sent() && error.may_be_a_dead_session() => {
                let mut beside = session.clone();
                let had_entry = beside.fact(IDS).is_some();
                beside.leave(System::Eams);
                let entered = Box::pin(self.enter(login, &mut beside)).await;
                if matches!(entered, Err(CampusError::NeedsCaptcha(..))) {
                    // The login goes on in the session that was shown the captcha.
                    session.clone_from(&beside);
                }
                entered?;
                if had_entry {
                    self.read_entry(&mut beside).await?;
                }
                *session = beside;
                self.ask_again(&request, session, &parse).await
            }
            outcome => outcome,
        }
    }

    /// What the entry page tells in this session. It must come first in each: without it the system shows no terms.
    async fn entry(&self, login: &AcademicLogin, session: &mut Session) -> Result<(), CampusError> {
        Box::pin(self.enter(login, session)).await?;
        if session.fact(IDS).is_some() {
            return Ok(());
        }
        let entry = self.page(login, session, || self.entry_request(), parse_entry::parse_entry).await?;
        note(entry, session);
        Ok(())
    }

    /// The entry page of a session that has just begun.
    async fn read_entry(&self, session: &mut Session) -> Result<(), CampusError> {
        let entry = self.ask_again(&|| self.entry_request(), session, &parse_entry::parse_entry).await?;
        note(entry, session);
        Ok(())
    }

    /// Where students have several projects, that page only offers them; each has an entry page of its own.
    fn entry_request(&self) -> Request {
        match &self.options.project {
            None => self.get("courseTableForStd.action", &[]),
            Some(project) => self.get("courseTableForStd!index.action", &[("projectId", project.as_str())]),
        }
    }

    /// Address of an action that is asked for as a script of the page does, so that it comes without a frame.
    fn fragment(&self, action: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.url(action);
        url.query_pairs_mut().extend_pairs(query).append_pair("sf_request_type", "ajax");
        url
    }

    /// The student's own record.
    async fn record(&self, login: &AcademicLogin, session: &mut Session) -> Result<StudentRecord, CampusError> {
        let request = || self.get("stdDetail.action", &[]);
        let record = self.page(login, session, request, parse_record::parse_record).await?;
        if record.number == login.student_id {
            Ok(record)
        } else {
            Err(CampusError::changed(System::Eams, "eams-record", "the student's own number"))
        }
    }

    /// All terms, as the system lists them.
    async fn terms(&self, login: &AcademicLogin, session: &mut Session) -> Result<Vec<TermEntry>, CampusError> {
        for again in [false, true] {
            self.entry(login, session).await?;
            let (bar, term) = (session.fact(BAR).unwrap_or_default(), session.fact(TERM).unwrap_or_default());
            let form = [
                ("tagId".to_owned(), bar.to_owned()),
                ("dataType".to_owned(), "semesterCalendar".to_owned()),
                ("value".to_owned(), term.to_owned()),
                ("empty".to_owned(), "false".to_owned()),
            ];
            let request = || self.form(self.url("dataQuery.action"), &borrowed(&form));
            if let Some(terms) = self.page(login, session, request, parse_terms::parse_terms).await? {
                return Ok(terms);
            }
            if !again {
                session.forget_fact(IDS);
            }
        }
        Err(CampusError::changed(System::Eams, "eams-terms", "terms"))
    }

    /// What the system calls the term of this name.
    async fn system_id(
        &self,
        login: &AcademicLogin,
        term: &Term,
        session: &mut Session,
    ) -> Result<String, CampusError> {
        if !term.system_id.is_empty() {
            return Ok(term.system_id.clone());
        }
        let terms = self.terms(login, session).await?;
        let known = terms.into_iter().find(|entry| entry.label == term.name).map(|entry| entry.system_id);
        known.ok_or(CampusError::changed(System::Eams, "eams-terms", "the current term"))
    }
}

/// Keeps what the entry page told.
fn note(Entry { student_ids, term, bar, .. }: Entry, session: &mut Session) {
    session.note(IDS, student_ids);
    // Any digits will do in the name of the bar.
    session.note(BAR, bar.unwrap_or_else(|| "semesterBar1Semester".to_owned()));
    session.note(TERM, term.unwrap_or_default());
}

fn borrowed(form: &[(String, String)]) -> Vec<(&str, &str)> {
    form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

impl AcademicSystem for Eams {
    async fn verify(&self, login: &AcademicLogin, session: &mut Session) -> Result<StudentRecord, CampusError> {
        if login.answer.is_none() {
            // With exactly this password: no ticket of an earlier one counts.
            session.clear();
        }
        // Nor does a session that lived while the captcha was shown.
        session.leave(System::Eams);
        self.record(login, session).await
    }

    async fn open(&self, login: &AcademicLogin, session: &mut Session) -> Result<(), CampusError> {
        if login.answer.is_some() {
            session.leave(System::Eams);
        }
        self.record(login, session).await.map(|_| ())
    }

    async fn current_term(&self, login: &AcademicLogin, session: &mut Session) -> Result<Term, CampusError> {
        let terms = self.terms(login, session).await?;
        let by_entry = session.fact(TERM).filter(|id| !id.is_empty());
        let is_current = |entry: &&TermEntry| match by_entry {
            Some(id) => entry.system_id == id,
            None => entry.current,
        };
        let Some(entry) = terms.iter().find(is_current).cloned() else {
            return Err(CampusError::changed(System::Eams, "eams-terms", "the current term"));
        };
        let form = [("version", "1"), ("semesterId", entry.system_id.as_str())];
        let request = || self.form(self.url("base/calendar-info.action"), &form);
        let dates = match self.page(login, session, request, parse_calendar::parse_calendar).await {
            Ok(dates) => dates,
            Err(error @ (CampusError::Changed { .. } | CampusError::Closed(..) | CampusError::Failing(_))) => {
                tracing::warn!(%error, "the dates of the term are not told");
                None
            }
            Err(error) => return Err(error),
        };
        Ok(Term { name: entry.label, system_id: entry.system_id, dates })
    }

    async fn timetable(
        &self,
        login: &AcademicLogin,
        term: &Term,
        session: &mut Session,
    ) -> Result<Timetable, CampusError> {
        let id = self.system_id(login, term, session).await?;
        self.entry(login, session).await?;
        let ids = session.fact(IDS).unwrap_or_default().to_owned();
        let mut form = vec![
            ("ignoreHead", "1"),
            ("setting.kind", "std"),
            ("startWeek", ""),
            ("semester.id", id.as_str()),
            ("ids", ids.as_str()),
        ];
        form.extend(self.options.project.as_deref().map(|project| ("project.id", project)));
        let request = || self.form(self.fragment("courseTableForStd!courseTable.action", &[]), &form);
        Ok(self.page(login, session, request, parse_table::parse_table).await?.told())
    }

    async fn grades(
        &self,
        login: &AcademicLogin,
        term: &Term,
        session: &mut Session,
    ) -> Result<Listing<Vec<Grade>>, CampusError> {
        let id = self.system_id(login, term, session).await?;
        let query = [("semesterId", id.as_str()), ("projectType", "")];
        let request = || self.get("teach/grade/course/person!search.action", &query);
        let read = self.page(login, session, request, |html| parse_scores::parse_scores(html, &self.columns)).await?;
        Ok(read.told().into())
    }

    async fn rooms(
        &self,
        login: &AcademicLogin,
        _: &Term,
        query: &RoomQuery,
        session: &mut Session,
    ) -> Result<Vec<FreeRoom>, CampusError> {
        // A session that begins anew shows no rooms before their page was asked for.
        Box::pin(self.enter(login, session)).await?;
        let search_page = self.url("classroom/apply/free.action");
        let fact = format!("{ROOMS}/{}", query.building);
        if session.fact(&fact).is_none() {
            if let Some(prelude) = &self.options.rooms_prelude {
                let request = || self.get(prelude, &[]);
                self.page(login, session, request, |html| signals::signal(html).map_or(Ok(()), Err)).await?;
            }
            let request = || self.get("classroom/apply/free.action", &[]);
            let buildings = self.page(login, session, request, parse_rooms::parse_buildings).await?;
            let building = buildings.into_iter().find(|building| building.title == query.building);
            let Some(building) = building else { return Ok(Vec::new()) };
            session.note(&fact, building.system_id);
        }
        let building = session.fact(&fact).unwrap_or_default().to_owned();
        let (date, first, last) = (query.date.to_string(), query.first.to_string(), query.last.to_string());
        let form = [
            ("classroom.type.id", ""),
            ("classroom.campus.id", ""),
            ("classroom.building.id", building.as_str()),
            ("seats", ""),
            ("classroom.name", ""),
            ("cycleTime.cycleCount", "1"),
            ("cycleTime.cycleType", "1"),
            ("cycleTime.dateBegin", date.as_str()),
            ("cycleTime.dateEnd", date.as_str()),
            ("roomApplyTimeType", "0"),
            ("timeBegin", first.as_str()),
            ("timeEnd", last.as_str()),
            ("pageNo", "1"),
            ("pageSize", "1000"),
            ("orderBy", "classroom.name asc"),
        ];
        let request = || self.form(self.url("classroom/apply/free!search.action"), &form).referer(&search_page);
        self.page(login, session, request, parse_rooms::parse_free_rooms).await
    }

    async fn log_out(&self, session: &mut Session) {
        if let Some(cas) = &self.cas {
            cas.log_out(&self.url(&self.options.entry), session).await;
        }
    }
}
