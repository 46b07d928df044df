//! School profiles for the engine, with the simulator's addresses in the place of a school's.

use crate::config::SimConfig;
use crate::hosts::host_of;
use crate::system::System;

/// The profile of this id as the engine reads it (TOML), for a simulator that listens on `port`; none when no such
/// school is played.
#[must_use]
pub fn school_profile(id: &str, config: &SimConfig, port: u16) -> Option<String> {
    match id {
        "hpu" => Some(hpu(config, port)),
        "demo-zf" => Some(demo_zf(config, port)),
        _ => None,
    }
}

/// Address of a system that goes by a host name of its own, without a slash at the end.
pub(crate) fn address(config: &SimConfig, system: System, port: u16) -> Option<String> {
    host_of(config, system).map(|host| format!("http://{host}:{port}/{system}"))
}

fn demo_zf(config: &SimConfig, port: u16) -> String {
    let host = &config.academic_host;
    format!(
        "# The demonstration school as the campus simulator plays it. For development and tests only.\n\
         extends = \"demo-zf\"\n\n\
         [bind]\n\
         check_at = \"http://{host}:{port}/jwglxt\"\n\n\
         [[academic]]\n\
         id = \"undergraduate\"\n\
         base = \"http://{host}:{port}/jwglxt\"\n\
         plain_http = \"accepted\"\n\
         # The simulator minds no haste.\n\
         [academic.options]\n\
         pace = \"0s\"\n\n\
         [[academic]]\n\
         id = \"postgraduate\"\n\
         base = \"http://{host}:{port}/yjs\"\n\
         plain_http = \"accepted\"\n"
    )
}

fn hpu(config: &SimConfig, port: u16) -> String {
    let at = |system| address(config, system, port).unwrap_or_default();
    let (cas, eams) = (at(System::Cas), at(System::Eams));
    let news = format!("http://{}:{port}/news", config.academic_host);
    format!(
        "# HPU as the campus simulator plays it. For development and tests only.\n\
         extends = \"hpu\"\n\n\
         [bind]\n\
         check_at = \"{cas}\"\n\n\
         [[academic]]\n\
         id = \"undergraduate\"\n\
         base = \"{eams}\"\n\
         plain_http = \"accepted\"\n\
         # The simulator minds no haste, unless it is told to.\n\
         [academic.options]\n\
         pace = \"0s\"\n\n\
         [cas]\n\
         base = \"{cas}\"\n\n\
         [news]\n\
         base = \"{news}\"\n"
    )
}

#[cfg(test)]
mod tests {
    use super::school_profile;
    use crate::config::SimConfig;

    #[test]
    fn the_cas_has_another_host_name_than_the_academic_system() {
        let text = school_profile("hpu", &SimConfig::default(), 4000).unwrap();
        assert!(text.contains("extends = \"hpu\""));
        assert!(text.contains("[cas]\nbase = \"http://localhost:4000/cas\""), "{text}");
        assert!(text.contains("base = \"http://127.0.0.1:4000/eams\""), "{text}");
        assert!(school_profile("demo-zf", &SimConfig::default(), 4000).unwrap().contains("http://127.0.0.1:4000/yjs"));
        assert_eq!(school_profile("nowhere", &SimConfig::default(), 4000), None);
    }

    #[test]
    fn the_profiles_of_the_stack_for_development_are_these() {
        let (academic_host, cas_host) = ("campus-sim".to_owned(), "campus-cas".to_owned());
        let config = SimConfig { cas_host, academic_host, ..SimConfig::default() };
        for (id, file) in [
            ("hpu", include_str!("../../../docker/development/schools/hpu.toml")),
            ("demo-zf", include_str!("../../../docker/development/schools/demo-zf.toml")),
        ] {
            let printed = school_profile(id, &config, 4000).unwrap();
            assert_eq!(
                file, printed,
                "campus-sim profile {id} --bind 0.0.0.0:4000 --academic-host campus-sim --cas-host campus-cas"
            );
        }
    }
}
