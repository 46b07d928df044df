//! The academic systems. Which kind a student's is, the school's profile says by his number. A kind is a module of its own
//! beside this one; those that speak in neutral words ([`AcademicSystem`]) get the shapes of the API here, in one place.

pub mod shape;

use std::{collections::HashMap, mem::discriminant, sync::Arc};

use chrono::{Days, NaiveDate};
use secrecy::SecretString;

use super::{
    CampusError, captcha::CaptchaAnswer, cas::Cas, eams::Eams, jwglxt::Jwglxt, listing::Listing, on_the_way,
    pause::Pauses, session::Session, urp::Urp,
};
use crate::{
    model::{
        CourseTable, Room, ScoreRow,
        academic::{FreeRoom, Grade, RoomQuery, StudentRecord, Term, Timetable},
    },
    outbound::{Outbound, System},
    school::{self, School},
};

/// What a student logs in with. A password that the system does not ask for is empty.
#[derive(Debug, Clone)]
pub struct AcademicLogin {
    /// Student number.
    pub student_id: String,
    /// Password of the VPN in front of the system.
    pub vpn_password: SecretString,
    /// Password of the system, or of the sign-on in front of it.
    pub password: SecretString,
    /// Whether the student has just typed the passwords and waits.
    pub by_hand: bool,
    /// What he read in the captcha of an earlier try.
    pub answer: Option<CaptchaAnswer>,
}

/// Who logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The student's name.
    pub name: String,
    /// The number of his identity card; empty where the system does not show it.
    pub id_number: IdNumber,
}

/// The number of an identity card. `Debug` does not show it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct IdNumber(pub String);

impl std::fmt::Debug for IdNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdNumber")
    }
}

/// When and where a room should be empty, as the client asks.
#[derive(Debug, Clone)]
pub struct ClassroomQuery {
    /// Number of the building, 1 to 18.
    pub building: u8,
    /// Week of the term, 1 to 29.
    pub week: u8,
    /// Day of the week, 1 to 7.
    pub weekday: u8,
    /// First and last lesson: `1,2` … `9,10`.
    pub section: String,
}

impl ClassroomQuery {
    /// The first and the last lesson.
    fn lessons(&self) -> Option<(u8, u8)> {
        let (first, last) = self.section.split_once(',')?;
        Some((first.parse().ok()?, last.parse().ok()?))
    }

    /// The day asked for, in a term that begins on `start`.
    fn date(&self, start: NaiveDate) -> Option<NaiveDate> {
        let days = u64::from(self.week.checked_sub(1)?) * 7 + u64::from(self.weekday.checked_sub(1)?);
        start.checked_add_days(Days::new(days))
    }
}

/// A system that speaks in neutral words. Every method logs in first if the session is not, with at most one password sent.
pub(super) trait AcademicSystem {
    /// The student's record, after a login with exactly this password, whatever the session held.
    async fn verify(&self, login: &AcademicLogin, session: &mut Session) -> Result<StudentRecord, CampusError>;

    /// Logs in unless the session lives.
    async fn open(&self, login: &AcademicLogin, session: &mut Session) -> Result<(), CampusError>;

    /// The current term.
    async fn current_term(&self, login: &AcademicLogin, session: &mut Session) -> Result<Term, CampusError>;

    /// The timetable of a term.
    async fn timetable(
        &self,
        login: &AcademicLogin,
        term: &Term,
        session: &mut Session,
    ) -> Result<Timetable, CampusError>;

    /// The marks of a term.
    async fn grades(
        &self,
        login: &AcademicLogin,
        term: &Term,
        session: &mut Session,
    ) -> Result<Listing<Vec<Grade>>, CampusError>;

    /// The rooms that are free.
    async fn rooms(
        &self,
        login: &AcademicLogin,
        term: &Term,
        query: &RoomQuery,
        session: &mut Session,
    ) -> Result<Vec<FreeRoom>, CampusError>;

    /// Ends the session and what could open another one, as far as the system lets it.
    async fn log_out(&self, session: &mut Session);
}

/// An academic system of the school.
#[derive(Debug, Clone)]
pub struct Academic {
    kind: Kind,
    school: Arc<School>,
    /// What its requests are sent through.
    outbound: Outbound,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Urp(Urp),
    Eams(Arc<Eams>),
    Jwglxt(Arc<Jwglxt>),
}

/// Does `$work` with the system of a kind that speaks in neutral words; `$urp` for the URP. The work is boxed: it holds a
/// login, and a second one after an ended session, which would not fit on a stack together.
macro_rules! each_kind {
    ($academic:expr, $urp:ident => $of_urp:expr, $system:ident => $work:expr) => {
        match &$academic.kind {
            Kind::Urp($urp) => $of_urp,
            Kind::Eams($system) => $work,
            Kind::Jwglxt($system) => $work,
        }
    };
}

/// The academic systems of the school, by the names that its profile gives them.
pub(super) fn all(school: &Arc<School>, urp: &Urp, outbound: &Outbound, pauses: &Pauses) -> HashMap<String, Academic> {
    let cas = school.cas.as_ref().map(|cas| {
        let always = cas.captcha == school::CasCaptcha::Always;
        let (base, query, life) = (cas.base.clone(), cas.captcha_query.clone(), cas.ticket_life);
        Arc::new(Cas::new(base, always, query, life, outbound.clone(), pauses.clone()))
    });
    let kind = |academic: &school::Academic, outbound: &Outbound, pauses: &Pauses| match &academic.system {
        school::System::UrpClassic => Kind::Urp(urp.clone()),
        school::System::Eams(options) => {
            let cas = cas.clone().filter(|_| academic.login == school::Login::Cas);
            let eams = Eams::new(&academic.base, options.clone(), cas, outbound.clone(), pauses.clone());
            Kind::Eams(Arc::new(eams))
        }
        school::System::Jwglxt(options) => {
            let jwglxt = Jwglxt::new(&academic.base, options.clone(), outbound.clone(), pauses.clone());
            Kind::Jwglxt(Arc::new(jwglxt))
        }
    };
    let system = |academic: &school::Academic| {
        let same = |other: &&school::Academic| discriminant(&other.system) == discriminant(&academic.system);
        // One of several systems of a kind is down, or takes no logins, without the others.
        let (outbound, pauses) = match school.academics.iter().filter(same).count() {
            0 | 1 => (outbound.clone(), pauses.clone()),
            _ => (outbound.apart(system_of(&academic.system), &academic.id), Pauses::default()),
        };
        let kind = kind(academic, &outbound, &pauses);
        (academic.id.clone(), Academic { kind, school: Arc::clone(school), outbound })
    };
    school.academics.iter().map(system).collect()
}

/// The system that a profile names.
fn system_of(system: &school::System) -> System {
    match system {
        school::System::UrpClassic => System::Urp,
        school::System::Eams(_) => System::Eams,
        school::System::Jwglxt(_) => System::Jwglxt,
    }
}

impl Academic {
    /// The system whose session is kept and whose breaker counts.
    #[must_use]
    pub fn system(&self) -> System {
        match self.kind {
            Kind::Urp(_) => System::Urp,
            Kind::Eams(_) => System::Eams,
            Kind::Jwglxt(_) => System::Jwglxt,
        }
    }

    /// Its name. Where the school has several systems of the kind, that of the profile is part of it:
    /// `jwglxt/undergraduate`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.outbound.breaker_name(self.system())
    }

    /// Whether its breaker, or that of the VPN in front of it, refuses requests now.
    #[must_use]
    pub fn is_down(&self) -> bool {
        on_the_way(self.system()).any(|system| self.outbound.is_open(system))
    }

    /// Whether that breaker is tripped or half-open.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        on_the_way(self.system()).any(|system| self.outbound.is_in_doubt(system))
    }

    /// Whether a login may stop at a captcha that only the student can read. Those of the URP are read here.
    #[must_use]
    pub fn shows_captchas(&self) -> bool {
        !matches!(self.kind, Kind::Urp(_))
    }

    /// Who the student is. Always logs in with these passwords, whatever `session` held: a bind checks them so.
    ///
    /// # Errors
    /// See [`CampusError`]; [`CampusError::WrongPassword`] names the system that refused.
    pub async fn verify(&self, login: &AcademicLogin, session: &mut Session) -> Result<Verified, CampusError> {
        each_kind!(self, urp => {
            let info = urp.verify(login, session).await?;
            Ok(Verified { name: info.name, id_number: IdNumber(info.id_number) })
        }, system => {
            let record = Box::pin(system.verify(login, session)).await?;
            Ok(Verified { name: record.name, id_number: IdNumber::default() })
        })
    }

    /// Logs in unless the session lives, as a request to the system shows.
    ///
    /// # Errors
    /// See [`CampusError`].
    pub async fn open(&self, login: &AcademicLogin, session: &mut Session) -> Result<(), CampusError> {
        each_kind!(self, urp => urp.open(login, session).await, system => Box::pin(system.open(login, session)).await)
    }

    /// The current term; `None` where the system does not tell.
    ///
    /// # Errors
    /// See [`CampusError`].
    pub async fn current_term(
        &self,
        login: &AcademicLogin,
        session: &mut Session,
    ) -> Result<Option<Term>, CampusError> {
        each_kind!(self, _urp => Ok(None), system => Box::pin(system.current_term(login, session)).await.map(Some))
    }

    /// The student's course table of a term.
    ///
    /// # Errors
    /// See [`CampusError`].
    pub async fn course_table(
        &self,
        login: &AcademicLogin,
        term: &Term,
        session: &mut Session,
    ) -> Result<CourseTable, CampusError> {
        each_kind!(self, urp => urp.course_table(login, term.dates.map_or(u8::MAX, |dates| dates.weeks), session).await, system => {
            let timetable = Box::pin(system.timetable(login, term, session)).await?;
            let place = |campus: &str, building: &str, room: &str| self.school.place(campus, building, room);
            Ok(shape::course_table(&term.name, timetable, &place))
        })
    }

    /// The student's scores of a term. If a further page fails, the list is partial.
    ///
    /// # Errors
    /// See [`CampusError`].
    pub async fn scores(
        &self,
        login: &AcademicLogin,
        term: &Term,
        session: &mut Session,
    ) -> Result<Listing<Vec<ScoreRow>>, CampusError> {
        each_kind!(self, urp => urp.scores(login, session).await, system => {
            let Listing { data, partial } = Box::pin(system.grades(login, term, session)).await?;
            Ok(Listing { data: shape::score_rows(data), partial })
        })
    }

    /// Classrooms that are empty at the time of `query`, grouped by floor. None in a building that the school does not
    /// have.
    ///
    /// # Errors
    /// See [`CampusError`]; [`CampusError::NoDates`] when it is not known on which day that is.
    pub async fn classrooms(
        &self,
        login: &AcademicLogin,
        term: &Term,
        query: &ClassroomQuery,
        session: &mut Session,
    ) -> Result<Vec<Vec<Room>>, CampusError> {
        each_kind!(self, urp => urp.classrooms(login, &term.name, query, session).await, system => {
            let day = term.dates.and_then(|dates| query.date(dates.monday));
            let date = day.ok_or(CampusError::NoDates(self.system()))?;
            let building = self.school.building_by_number(query.building);
            let (Some(building), Some((first, last))) = (building, query.lessons()) else {
                return Ok(Vec::new());
            };
            let (week, weekday) = (query.week, query.weekday);
            let (title, id, campus_id) = (building.title.clone(), building.id.clone(), building.campus.clone());
            let query =
                RoomQuery { date, week, weekday, first, last, building: title, building_id: id, campus_id };
            Ok(shape::floors(Box::pin(system.rooms(login, term, &query, session)).await?))
        })
    }

    /// Ends a session for good, best effort.
    pub async fn log_out(&self, session: &mut Session) {
        each_kind!(self, _urp => (), system => Box::pin(system.log_out(session)).await);
    }
}
