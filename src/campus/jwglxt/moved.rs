//! Pages that newer builds of the system have at another address than older ones.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use reqwest::StatusCode;

use super::{client::Jwglxt, signals::NO_RIGHT};
use crate::{
    campus::{
        CampusError,
        academic::AcademicLogin,
        page::{Closed, PageEncoding, PageError},
        session::Session,
        text_of,
    },
    outbound::{Answer, Request, System},
};

/// A page with two addresses. Which one a school's system uses is learned from its answers, once for each engine; clones
/// share what was learned. Only a filled page teaches: an empty one may come from an address that a build has and does not
/// use.
#[derive(Debug, Clone)]
pub(super) struct Moved {
    /// Its name on the command line and in errors.
    page: &'static str,
    newer: &'static str,
    older: &'static str,
    learned: Arc<AtomicU8>,
}

/// Which address of a page is known to show it. A read looks once, when it begins: others learn meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known(u8);

const NOTHING: Known = Known(0);
const NEWER: Known = Known(1);
const OLDER: Known = Known(2);

impl Moved {
    /// The page of this name at `newer`, before at `older`.
    pub(super) fn new(page: &'static str, newer: &'static str, older: &'static str) -> Self {
        Self { page, newer, older, learned: Arc::new(AtomicU8::new(NOTHING.0)) }
    }

    /// What is known now.
    fn known(&self) -> Known {
        Known(self.learned.load(Ordering::Relaxed))
    }

    /// The address to ask first, and the other one.
    fn in_order(&self, known: Known) -> [&'static str; 2] {
        if known == OLDER { [self.older, self.newer] } else { [self.newer, self.older] }
    }

    /// This address has shown the page, filled, to a read that began with `known`.
    fn learn(&self, known: Known, address: &str) {
        self.replace(known, if address == self.older { OLDER } else { NEWER });
    }

    /// The known address shows nothing. If it is the older one, the school may have renewed its system: the next read tries
    /// both.
    fn doubt(&self, known: Known) {
        if known == OLDER {
            self.replace(known, NOTHING);
        }
    }

    /// Nothing is replaced that another read has learned meanwhile.
    fn replace(&self, known: Known, by: Known) {
        let _ = self.learned.compare_exchange(known.0, by.0, Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl Jwglxt {
    /// As [`Jwglxt::page`], for a page with two addresses. The other one is asked where the page is not there, and, as
    /// long as neither is known to show it, where the student has no right to it or it is empty.
    pub(super) async fn at_either<T>(
        &self,
        moved: &Moved,
        login: &AcademicLogin,
        session: &mut Session,
        request: impl Fn(&str) -> Request,
        parse: impl Fn(&str) -> Result<T, PageError>,
        is_empty: impl Fn(&T) -> bool,
    ) -> Result<T, CampusError> {
        let known = moved.known();
        let [address, other] = moved.in_order(known);
        let refusal = match self.page(login, session, || request(address), if_there(&parse)).await {
            Ok(Some(filled)) if !is_empty(&filled) => {
                moved.learn(known, address);
                return Ok(filled);
            }
            Ok(Some(empty)) if known == NOTHING => {
                let elsewhere = Box::pin(self.beside(moved.page, session, request(other), &parse)).await;
                let Some(filled) = elsewhere.filter(|read| !is_empty(read)) else { return Ok(empty) };
                moved.learn(known, other);
                return Ok(filled);
            }
            Ok(Some(empty)) => {
                moved.doubt(known);
                return Ok(empty);
            }
            Ok(None) => None,
            Err(refusal) if is_refused_by_right(&refusal) => {
                if known != NOTHING {
                    moved.doubt(known);
                    return Err(refusal);
                }
                Some(refusal)
            }
            Err(error) => return Err(error),
        };
        // Neither a missing page nor a refusal proves that the session lives, so this may need a login.
        let elsewhere = Box::pin(self.page(login, session, || request(other), if_there(&parse))).await;
        match (refusal, elsewhere) {
            (_, Ok(Some(read))) => {
                if !is_empty(&read) {
                    moved.learn(known, other);
                }
                Ok(read)
            }
            (Some(refusal), Ok(None)) => Err(refusal),
            (Some(refusal), Err(error)) if is_no_page(&error) => Err(refusal),
            (None, Ok(None)) => Err(CampusError::changed(System::Jwglxt, moved.page, "the page at either address")),
            (_, Err(error)) => Err(error),
        }
    }

    /// What the other address of a page shows after the first one has just shown it empty. That has proved that the session
    /// lives, so no answer leads to a login, and none is a reason to fail.
    async fn beside<T>(
        &self,
        page: &'static str,
        session: &mut Session,
        request: Request,
        parse: impl Fn(&str) -> Result<T, PageError>,
    ) -> Option<T> {
        let cookies = session.cookies.clone();
        let read = self.ask(request, session, |answer| {
            Ok(if_there(&parse)(answer).unwrap_or_else(|error| {
                tracing::debug!(page, %error, "the other address does not show the page");
                None
            }))
        });
        let shown = read.await.unwrap_or_else(|error| {
            tracing::debug!(page, %error, "the other address does not show the page");
            None
        });
        if shown.is_none() {
            // A login page brings cookies of a session that nobody has entered.
            session.cookies = cookies;
        }
        shown
    }
}

/// Reads the text of an answer; `None` for an address that the system does not have. The status counts only where the text
/// says nothing: a login page or a refusal may come with any.
fn if_there<T>(parse: impl Fn(&str) -> Result<T, PageError>) -> impl Fn(&Answer) -> Result<Option<T>, PageError> {
    move |answer: &Answer| {
        let text = text_of(answer, PageEncoding::Utf8)?;
        match parse(&text) {
            Err(error) if answer.status == StatusCode::NOT_FOUND => {
                let says_nothing = text.trim().is_empty() || matches!(error, PageError::Changed { .. });
                if says_nothing { Ok(None) } else { Err(error) }
            }
            read => read.map(Some),
        }
    }
}

/// Whether the system says that the student may not use what was asked for. Builds that have moved a page say so of an
/// address that they know and do not use.
fn is_refused_by_right(error: &CampusError) -> bool {
    matches!(error, CampusError::Closed(_, Closed::SwitchedOff, said) if said.as_str().contains(NO_RIGHT))
}

/// Whether an answer from a second address tells nothing beyond that the page is not there either.
fn is_no_page(error: &CampusError) -> bool {
    matches!(error, CampusError::Closed(..) | CampusError::Changed { .. } | CampusError::Failing(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campus::page::Said;

    fn table() -> Moved {
        Moved::new("zf-table", "/new.html", "/old.html")
    }

    #[test]
    fn the_newer_address_goes_first_until_the_older_one_has_shown_the_page() {
        let table = table();
        let order = || table.in_order(table.known());
        assert_eq!((table.known(), order()), (NOTHING, ["/new.html", "/old.html"]));
        let of_another_clone = table.clone();
        of_another_clone.learn(NOTHING, "/old.html");
        assert_eq!((table.known(), order()), (OLDER, ["/old.html", "/new.html"]));
        table.learn(OLDER, "/new.html");
        assert_eq!((table.known(), order()), (NEWER, ["/new.html", "/old.html"]));
    }

    #[test]
    fn a_read_replaces_nothing_that_another_one_has_learned_meanwhile() {
        let table = table();
        let begun = table.known();
        table.learn(table.known(), "/old.html");
        table.learn(begun, "/new.html");
        assert_eq!(table.known(), OLDER);
        table.learn(OLDER, "/new.html");
        table.doubt(OLDER);
        assert_eq!(table.known(), NEWER);
    }

    #[test]
    fn an_older_address_that_shows_nothing_is_doubted_and_a_newer_one_is_not() {
        for (address, afterwards) in [("/old.html", NOTHING), ("/new.html", NEWER)] {
            let table = table();
            table.learn(NOTHING, address);
            table.doubt(table.known());
            assert_eq!(table.known(), afterwards, "{address}");
        }
    }

    #[test]
    fn only_a_missing_right_is_a_reason_to_ask_elsewhere() {
        let closed = |reason, text| CampusError::Closed(System::Jwglxt, reason, Said::new(text));
        assert!(is_refused_by_right(&closed(Closed::SwitchedOff, "无功能权限，请联系管理员！")));
        assert!(!is_refused_by_right(&closed(Closed::SwitchedOff, "选课期间系统关闭课表查询")));
        assert!(!is_refused_by_right(&closed(Closed::Hours, "夜间系统关闭")));
        assert!(!is_refused_by_right(&CampusError::Down(System::Jwglxt)));
    }
}
