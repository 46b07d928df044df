//! The requests of one session: whether two overlap, and whether they come too fast.

use std::time::{Duration, Instant};

/// The requests that one session has made.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    last: Option<Instant>,
    under_way: usize,
}

/// What was noticed when a request began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Begun {
    /// Another request of the session is still being answered.
    pub(crate) parallel: bool,
    /// It comes sooner after the last one than the pace allows, or beside it.
    pub(crate) too_fast: bool,
}

impl Traffic {
    /// Notes that a request begins. Without a `pace` none is too fast.
    pub(crate) fn begin(&mut self, pace: Option<Duration>) -> Begun {
        let now = Instant::now();
        let parallel = self.under_way > 0;
        let early = |pace| self.last.is_some_and(|last| now.duration_since(last) < pace);
        let too_fast = pace.is_some_and(|pace| parallel || early(pace));
        self.last = Some(now);
        self.under_way += 1;
        Begun { parallel, too_fast }
    }

    /// Notes that a request has been answered.
    pub(crate) fn end(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Begun, Traffic};

    #[test]
    fn requests_beside_one_another_are_noticed_and_too_fast_only_where_there_is_a_pace() {
        let mut traffic = Traffic::default();
        assert_eq!(traffic.begin(None), Begun::default());
        assert_eq!(traffic.begin(None), Begun { parallel: true, too_fast: false });
        traffic.end();
        traffic.end();
        assert_eq!(traffic.begin(Some(Duration::ZERO)), Begun::default());
        assert_eq!(traffic.begin(Some(Duration::ZERO)), Begun { parallel: true, too_fast: true });
        traffic.end();
        traffic.end();
        assert_eq!(traffic.begin(Some(Duration::from_mins(1))), Begun { parallel: false, too_fast: true });
    }
}
