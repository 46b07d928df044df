//! Campus sessions at rest: sealed like a password, shared by all replicas.

use std::time::Duration;

use secrecy::ExposeSecret;

use crate::{
    campus::{cas::drop_ticket, session::Session},
    clock::Clock,
    crypto::KeyRing,
    outbound::System,
    school::{Login, School, System as Kind},
    store::{Store, StoreError},
};

use super::StudentError;

/// How long a session without a ticket is kept after its last use. The campus ends it sooner.
const LIFE: Duration = Duration::from_hours(12);

/// Whose session, and where.
#[derive(Debug)]
pub struct SessionOwner<'a> {
    /// WeChat account.
    pub open_id: &'a str,
    /// Student number, so that a re-bind never meets the former one's session.
    pub student_id: &'a str,
    /// The system; what lies behind the VPN shares the VPN's session.
    pub system: System,
}

impl SessionOwner<'_> {
    /// Name of the session: the VPN's for everything behind it.
    fn name(&self) -> &'static str {
        match self.system {
            System::Urp | System::Bulletin => System::Vpn.name(),
            system => system.name(),
        }
    }

    /// A session as it is stored, and how long. One with a ticket of the central sign-on, which opens another session
    /// without a password, is kept until the ticket is over, however often it is stored before.
    fn at_rest(&self, school: &School, session: &Session) -> (Session, Duration) {
        let mut kept = session.clone();
        let (System::Eams | System::Jwglxt, Some(cas)) = (self.system, &school.cas) else { return (kept, LIFE) };
        if let Some(left) = self.rest_of_ticket(school, session) {
            return (kept, left);
        }
        drop_ticket(&cas.base, &mut kept);
        (kept, LIFE)
    }

    /// How much longer the session's ticket is kept. `None` where it has none, or one that is over before the session
    /// is: until then nobody needs it.
    fn rest_of_ticket(&self, school: &School, session: &Session) -> Option<Duration> {
        let academic = school.academic_of(self.student_id).filter(|academic| academic.login == Login::Cas)?;
        let session_life = match &academic.system {
            Kind::Eams(options) => options.session_life,
            Kind::Jwglxt(options) => options.session_life,
            Kind::UrpClassic => return None,
        };
        let left = school.cas.as_ref()?.ticket_life.checked_sub(session.age_at(System::Cas)?)?;
        Some(left).filter(|left| *left > session_life)
    }

    fn field(&self) -> String {
        format!("session/{}/{}", self.name(), self.student_id)
    }
}

/// The stored session, or a new one. A session that does not open (its key is gone) is simply made again.
///
/// # Errors
/// [`StoreError`] when the database does not answer.
pub async fn load_session(store: &Store, keys: &KeyRing, owner: &SessionOwner<'_>) -> Result<Session, StoreError> {
    let sealed = store.sessions.find(owner.open_id, owner.student_id, owner.name()).await?;
    let opened = sealed.and_then(|sealed| keys.open(owner.open_id, &owner.field(), &sealed).ok());
    Ok(opened.map(|text| Session::from_text(text.expose_secret())).unwrap_or_default())
}

/// Stores a session, sealed, for every replica to use; a ticket in it no longer than it may be kept.
pub async fn store_session(
    store: &Store,
    keys: &KeyRing,
    clock: &Clock,
    school: &School,
    owner: &SessionOwner<'_>,
    session: &Session,
) -> Result<(), StudentError> {
    let (kept, life) = owner.at_rest(school, session);
    let sealed = keys.seal(owner.open_id, &owner.field(), &kept.to_text())?;
    // The age of the ticket is measured by the system's clock, whatever `clock` says: only what is left is added to it.
    let expires_at = clock.now() + life;
    store.sessions.save(owner.open_id, owner.student_id, owner.name(), sealed, expires_at).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::school::read;

    const NUMBER: &str = "311509000001";

    const DAY: Duration = Duration::from_hours(24);

    fn hpu() -> School {
        read("hpu", false).school.unwrap()
    }

    /// A session in use, whose login at the sign-on is this old.
    fn session(login: Duration) -> Session {
        let mut session = Session::of(NUMBER);
        session.enter(System::Cas);
        session.age(login);
        session.enter(System::Eams);
        session
    }

    /// Whether what is stored of the session holds the ticket, and for how many minutes it is kept.
    fn kept(school: &School, system: System, session: &Session) -> (bool, u64) {
        let owner = SessionOwner { open_id: "o", student_id: NUMBER, system };
        let (kept, life) = owner.at_rest(school, session);
        assert_eq!(kept.is_in(System::Eams), session.is_in(System::Eams));
        // The age of a login goes on by some milliseconds.
        (kept.is_in(System::Cas), (life + Duration::from_secs(30)).as_secs() / 60)
    }

    #[test]
    fn a_session_is_kept_until_its_ticket_is_over_however_often_it_is_stored() {
        let mut school = hpu();
        for (age, hours) in [(Duration::ZERO, 7 * 24), (DAY * 6, 24), (Duration::from_hours(7 * 24 - 1), 1)] {
            assert_eq!(kept(&school, System::Eams, &session(age)), (true, hours * 60), "{age:?} after the login");
        }
        if let Some(cas) = &mut school.cas {
            cas.ticket_life = DAY * 30;
        }
        assert_eq!(kept(&school, System::Eams, &session(DAY * 8)), (true, 22 * 24 * 60));
    }

    #[test]
    fn a_ticket_that_is_over_before_its_session_is_not_stored() {
        let mut school = hpu();
        for age in [Duration::from_mins(7 * 24 * 60 - 11), DAY * 7, DAY * 60] {
            assert_eq!(kept(&school, System::Eams, &session(age)), (false, 12 * 60), "{age:?} after the login");
        }
        if let Some(cas) = &mut school.cas {
            cas.ticket_life = Duration::from_mins(5);
        }
        assert_eq!(kept(&school, System::Eams, &session(Duration::ZERO)), (false, 12 * 60), "a life of minutes");
    }

    #[test]
    fn a_session_without_a_ticket_is_kept_for_half_a_day() {
        let mut school = hpu();
        assert_eq!(kept(&school, System::Eams, &Session::of(NUMBER)), (false, 12 * 60));
        assert_eq!(kept(&school, System::Library, &Session::of(NUMBER)), (false, 12 * 60));
        school.academics[0].login = Login::Own;
        assert_eq!(kept(&school, System::Eams, &session(Duration::ZERO)), (false, 12 * 60), "nobody uses a ticket");
    }
}
