//! Ticket cookies, which spare the password, and service tickets, which open a service once.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::sessions::Sessions;

/// How long a ticket cookie is good when nobody ends it.
const COOKIE_LIFE: Duration = Duration::from_hours(7 * 24);

/// How long a service ticket is good.
const SERVICE_LIFE: Duration = Duration::from_secs(10);

/// What becomes of a service ticket that is presented.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Redeemed {
    /// It stands for the student with this number.
    Student(String),
    /// It came later than the fault `late-ticket` allows.
    Late,
    /// It is unknown, used, too old, or was issued for another service.
    Refused,
}

/// A service ticket.
#[derive(Debug)]
pub(super) struct ServiceTicket {
    number: String,
    service: String,
    issued: Instant,
    good_for: Option<Duration>,
}

impl ServiceTicket {
    pub(super) fn new(number: String, service: &str, good_for: Option<Duration>) -> Self {
        Self { number, service: service.to_owned(), issued: Instant::now(), good_for }
    }
}

/// All tickets. In the outside world each has a prefix, a running number and the name of the machine around its id.
#[derive(Debug)]
pub(super) struct Tickets {
    cookies: Sessions<String>,
    services: Sessions<ServiceTicket>,
    issued: AtomicU32,
}

impl Default for Tickets {
    fn default() -> Self {
        Self {
            cookies: Sessions::new(COOKIE_LIFE),
            services: Sessions::new(SERVICE_LIFE),
            issued: AtomicU32::new(1000),
        }
    }
}

/// The id inside a ticket such as `ST-1001-0a1b…-cas`.
fn id_of(ticket: &str) -> &str {
    ticket.split('-').nth(2).unwrap_or_default()
}

impl Tickets {
    fn name(&self, kind: &str, id: &str) -> String {
        format!("{kind}-{}-{id}-cas", self.issued.fetch_add(1, Ordering::Relaxed))
    }

    /// A ticket cookie for this student.
    pub(super) fn open_cookie(&self, number: &str) -> String {
        self.name("TGT", &self.cookies.open(number.to_owned()))
    }

    /// The student a ticket cookie belongs to; none when it is over.
    pub(super) fn owner(&self, cookie: &str) -> Option<String> {
        self.cookies.with(id_of(cookie), |number| number.clone())
    }

    pub(super) fn end_cookie(&self, cookie: &str) {
        self.cookies.close(id_of(cookie));
    }

    pub(super) fn expire_cookies(&self) {
        self.cookies.expire_all();
    }

    pub(super) fn issue(&self, ticket: ServiceTicket) -> String {
        self.name("ST", &self.services.open(ticket))
    }

    /// Uses a service ticket up.
    pub(super) fn redeem(&self, ticket: &str, service: &str) -> Redeemed {
        let Some(ticket) = self.services.take(id_of(ticket)) else { return Redeemed::Refused };
        if ticket.service != service {
            Redeemed::Refused
        } else if ticket.good_for.is_some_and(|good_for| ticket.issued.elapsed() > good_for) {
            Redeemed::Late
        } else {
            Redeemed::Student(ticket.number)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Redeemed, ServiceTicket, Tickets};

    #[test]
    fn a_service_ticket_is_good_once_and_for_its_service() {
        let tickets = Tickets::default();
        let issue = || tickets.issue(ServiceTicket::new("1".into(), "http://a/", None));
        let ticket = issue();
        assert!(ticket.starts_with("ST-") && ticket.ends_with("-cas"));
        assert_eq!(tickets.redeem(&ticket, "http://a/"), Redeemed::Student("1".into()));
        assert_eq!(tickets.redeem(&ticket, "http://a/"), Redeemed::Refused);
        assert_eq!(tickets.redeem(&issue(), "http://b/"), Redeemed::Refused);
        let late = tickets.issue(ServiceTicket::new("1".into(), "http://a/", Some(Duration::ZERO)));
        assert_eq!(tickets.redeem(&late, "http://a/"), Redeemed::Late);
    }

    #[test]
    fn a_ticket_cookie_is_good_until_it_is_ended() {
        let tickets = Tickets::default();
        let (one, two) = (tickets.open_cookie("1"), tickets.open_cookie("2"));
        tickets.end_cookie(&one);
        assert_eq!((tickets.owner(&one), tickets.owner(&two)), (None, Some("2".into())));
        tickets.expire_cookies();
        assert_eq!(tickets.owner(&two), None);
    }
}
