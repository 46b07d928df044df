//! Which faults, in which order.

use crate::{campus::MODES, fault::Fault, school::School};

/// The scope of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// One fault of each important kind: some eight minutes.
    Short,
    /// All faults, with more than fifty of a primary.
    Long,
}

impl Form {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Long => "long",
        }
    }
}

/// The faults of a primary.
const PRIMARY: [Fault; 4] = [Fault::PrimaryKilled, Fault::PrimaryPaused, Fault::PrimaryCut, Fault::PrimarySteppedDown];

/// The campus faults of the long form: every system in every mode of the simulator.
fn campus_long(school: &'static School) -> impl Iterator<Item = (&'static str, &'static str)> {
    let systems = school.systems.iter();
    systems.flat_map(|system| MODES.map(|mode| (*system, mode))).chain([("wechat", "errcode")])
}

/// The faults of a run.
#[must_use]
pub fn faults(school: &'static School, form: Form, rounds: usize, only: Option<&str>) -> Vec<Fault> {
    let campus = |(system, mode)| Fault::Campus { system, mode };
    let mut faults = match form {
        Form::Short => {
            let mut faults = PRIMARY.to_vec();
            faults.extend([Fault::TwoMembersDown, Fault::SecondariesPaused, Fault::SlowWay]);
            faults.extend([Fault::EngineKilled, Fault::EngineGone, Fault::EngineHung]);
            faults.extend([Fault::Rollout { new_image: true }, Fault::ProxyReloaded, Fault::ProxyKilled]);
            faults.extend(school.short.iter().copied().map(campus));
            // Last, since its tables stay the newest ones for ten minutes, and the campus is not asked for them.
            faults.push(Fault::WrongClock { ahead: true });
            faults
        }
        Form::Long => {
            let mut faults: Vec<Fault> = PRIMARY.iter().copied().cycle().take(PRIMARY.len() * rounds).collect();
            for _ in 0..2 {
                faults.extend([Fault::TwoMembersDown, Fault::SecondariesPaused, Fault::SlowWay]);
                faults.push(Fault::AllMembersRestarted);
                faults.extend([Fault::EngineKilled, Fault::EngineGone, Fault::EngineHung, Fault::EngineOutOfMemory]);
            }
            faults.extend([Fault::Rollout { new_image: true }, Fault::Rollout { new_image: false }]);
            faults.extend([Fault::ProxyReloaded, Fault::ProxyReloaded, Fault::DiskFull]);
            faults.extend([Fault::ProxyKilled, Fault::ProxyKilled, Fault::PowerCut, Fault::PowerCut]);
            faults.extend(campus_long(school).map(campus));
            // After those of the campus, since its tables stay the newest ones for ten minutes, and the campus is not asked
            // for them.
            faults.extend([Fault::WrongClock { ahead: false }, Fault::WrongClock { ahead: true }, Fault::DownAndUp]);
            faults
        }
    };
    faults.retain(|fault| only.is_none_or(|text| text.split(',').any(|part| fault.name().contains(part))));
    faults
}

/// Whether the overload is measured too.
#[must_use]
pub fn wants_pressure(only: Option<&str>) -> bool {
    only.is_none_or(|text| text.split(',').any(|part| "overload".contains(part)))
}
