//! The client at the simulator: what becomes of a session within one attempt.

use std::time::Duration;

use campus_sim::{CampusSim, Fault, Mode, SimConfig};
use secrecy::SecretString;
use url::Url;

use super::Jwglxt;
use crate::{
    campus::{
        academic::{AcademicLogin, AcademicSystem},
        pause::Pauses,
        session::Session,
    },
    model::academic::Term,
    outbound::Outbound,
    school::{JwglxtCaptcha, JwglxtOptions},
};

const NUMBER: &str = "202409000001";
const PASSWORD: &str = "zf-000001";

fn client(sim: &CampusSim) -> Jwglxt {
    let base = Url::parse(&sim.url("jwglxt")).unwrap();
    let options = JwglxtOptions {
        captcha: JwglxtCaptcha::Auto,
        pace: Duration::ZERO,
        session_life: Duration::from_mins(15),
        login_twice: false,
    };
    Jwglxt::new(&base, options, Outbound::new(Duration::from_secs(20), 2, None).unwrap(), Pauses::default())
}

fn login() -> AcademicLogin {
    AcademicLogin {
        student_id: NUMBER.to_owned(),
        vpn_password: SecretString::from(""),
        password: SecretString::from(PASSWORD),
        by_hand: false,
        answer: None,
    }
}

/// The session as the next attempt loads it.
fn stored(session: &Session) -> Session {
    Session::from_text(&session.to_text()).asked_for(NUMBER)
}

#[tokio::test]
async fn an_attempt_whose_login_came_to_nothing_sends_no_second_password() {
    let sim = CampusSim::start(SimConfig::default()).await.unwrap();
    let (jwglxt, login) = (client(&sim), login());
    let term = Term { name: "2026-2027-1".to_owned(), system_id: String::new(), dates: None };
    let mut session = Session::of(NUMBER);
    jwglxt.timetable(&login, &term, &mut session).await.unwrap();

    sim.expire_sessions(None);
    sim.reset_counts();
    sim.set_fault(campus_sim::System::Jwglxt, Fault::new(Mode::FirstPostLost));
    let mut attempt = stored(&session);
    for _ in 0..2 {
        jwglxt.timetable(&login, &term, &mut attempt).await.unwrap_err();
        assert_eq!(sim.count_of("jwglxt.password_posts"), 1, "{:?}", sim.counts());
    }

    sim.clear_faults();
    let mut next = stored(&attempt);
    jwglxt.timetable(&login, &term, &mut next).await.unwrap();
    assert_eq!(sim.count_of("jwglxt.password_posts"), 2, "{:?}", sim.counts());
}
