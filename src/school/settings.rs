//! What a profile says in the place of variables. A variable that is set wins; one that the profile has no use for is
//! ignored with a warning.

use std::collections::BTreeMap;

use super::{School, System, times::Times};
use crate::model::{academic::TermDates, lessons::SectionTime};

/// Name of a variable, and the profile's value; `None`: the profile has no use for it.
pub type Settings = BTreeMap<&'static str, Option<String>>;

/// The variables that `school` gives or has no use for. Of the others it says nothing: they keep their defaults.
#[must_use]
pub fn settings(school: &School) -> Settings {
    let mut settings = Settings::new();
    let mut put = |name, value| _ = settings.insert(name, value);
    let vpn = school.vpn.as_ref();
    put("WEHPU_VPN_URL", vpn.map(|vpn| written(&vpn.base)));
    put("WEHPU_VPN_RSA_MODULUS", vpn.map(|vpn| hex::encode_upper(&vpn.key.modulus)));
    put("WEHPU_VPN_RSA_EXPONENT", vpn.map(|vpn| vpn.key.exponent.to_string()));
    let urp = school.academics.iter().find(|academic| academic.system == System::UrpClassic);
    put("WEHPU_URP_HOST", urp.and_then(|urp| urp.base.host_str()).map(str::to_owned));
    match (urp, &school.captcha_masks) {
        (None, _) => put("WEHPU_CAPTCHA_MASKS", None),
        (Some(_), Some(file)) => put("WEHPU_CAPTCHA_MASKS", Some(file.display().to_string())),
        // The built-in masks.
        (Some(_), None) => {}
    }
    let services = &school.services;
    put("WEHPU_LIBRARY_URL", services.library.as_ref().map(written));
    put("WEHPU_PHYSICAL_URL", services.physical.as_ref().map(written));
    put("WEHPU_REPAIR_URL", services.repair.as_ref().map(written));
    put("WEHPU_NEWS_URL", services.news.as_ref().map(|news| written(&news.base)));
    put("WEHPU_NEWS_LIST_PATH", services.news.as_ref().map(|news| news.list_path.clone()));
    put("WEHPU_LOGISTICS_URL", services.logistics.as_ref().map(written));
    match &services.bulletin {
        Some(bulletin) => {
            put("WEHPU_BULLETIN_HOST", Some(bulletin.host.clone()));
            if let Some(account) = &bulletin.account {
                put("WEHPU_BULLETIN_STUDENT_ID", Some(account.clone()));
            }
        }
        None => {
            for name in ["WEHPU_BULLETIN_HOST", "WEHPU_BULLETIN_STUDENT_ID", "WEHPU_BULLETIN_VPN_PASSWORD"] {
                put(name, None);
            }
        }
    }
    if let Some(term) = &school.term.given {
        put("WEHPU_TERM", Some(term.name.clone()));
        if let Some(TermDates { monday, weeks }) = term.dates {
            put("WEHPU_TERM_START", Some(monday.to_string()));
            put("WEHPU_TERM_WEEKS", Some(weeks.to_string()));
        }
    }
    settings.extend(lesson_times(&school.times));
    settings
}

/// The variables of lesson times. They can say two seasons of one campus; a profile with more has no use for them.
fn lesson_times(times: &[Times]) -> Settings {
    let names = ["WEHPU_SECTION_TIMES", "WEHPU_SECTION_TIMES_SUMMER", "WEHPU_SUMMER"];
    let values = match times {
        [all] if all.season.is_none() => {
            let sections = joined(&all.sections);
            [Some(sections.clone()), Some(sections), Some("off".to_owned())]
        }
        [one, another] if one.campus == another.campus => {
            // The season that goes over New Year is the usual one, so that a summer is one span of days.
            let over_new_year = |times: &&Times| times.season.is_some_and(|season| season.first > season.last);
            let (summer, usual) = if over_new_year(&one) { (another, one) } else { (one, another) };
            let span = summer.season.map(|season| {
                let [first, last] = [season.first, season.last].map(|(month, day)| format!("{month:02}-{day:02}"));
                format!("{first}/{last}")
            });
            [Some(joined(&usual.sections)), Some(joined(&summer.sections)), span]
        }
        _ => [None, None, None],
    };
    names.into_iter().zip(values).collect()
}

fn joined(sections: &[SectionTime]) -> String {
    let time = |section: &SectionTime| format!("{}-{}", section.begin.format("%H:%M"), section.end.format("%H:%M"));
    sections.iter().map(time).collect::<Vec<_>>().join(",")
}

/// An address as people write it: without the slash of an empty path.
fn written(url: &url::Url) -> String {
    let text = url.as_str();
    if url.path() == "/" { text.trim_end_matches('/').to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::built_in, *};
    use crate::config::{VARIABLES, Variable};

    /// The 17 variables of the campus, those of the summer, and the password of the bulletin board.
    const OF_THE_CAMPUS: [&str; 20] = [
        "WEHPU_VPN_URL",
        "WEHPU_VPN_RSA_MODULUS",
        "WEHPU_VPN_RSA_EXPONENT",
        "WEHPU_URP_HOST",
        "WEHPU_CAPTCHA_MASKS",
        "WEHPU_BULLETIN_HOST",
        "WEHPU_BULLETIN_STUDENT_ID",
        "WEHPU_BULLETIN_VPN_PASSWORD",
        "WEHPU_LIBRARY_URL",
        "WEHPU_PHYSICAL_URL",
        "WEHPU_REPAIR_URL",
        "WEHPU_NEWS_URL",
        "WEHPU_NEWS_LIST_PATH",
        "WEHPU_LOGISTICS_URL",
        "WEHPU_TERM",
        "WEHPU_TERM_START",
        "WEHPU_TERM_WEEKS",
        "WEHPU_SECTION_TIMES",
        "WEHPU_SECTION_TIMES_SUMMER",
        "WEHPU_SUMMER",
    ];

    fn default(name: &str) -> Option<&'static str> {
        VARIABLES.iter().find(|variable: &&Variable| variable.name == name).unwrap().default
    }

    #[test]
    fn the_default_profile_says_what_the_variables_have_by_default() {
        let settings = settings(&built_in("hpu-urp"));
        for name in OF_THE_CAMPUS {
            let given = settings.get(name).map(|value| value.as_deref().expect("it has a use for every variable"));
            assert_eq!(given, default(name), "{name}");
        }
        assert!(settings.keys().all(|name| OF_THE_CAMPUS.contains(name)));
    }

    #[test]
    fn what_a_school_does_not_have_needs_no_variable() {
        let settings = settings(&built_in("hpu"));
        let unused: Vec<_> = settings.iter().filter_map(|(name, value)| value.is_none().then_some(*name)).collect();
        assert_eq!(
            unused,
            [
                "WEHPU_BULLETIN_HOST",
                "WEHPU_BULLETIN_STUDENT_ID",
                "WEHPU_BULLETIN_VPN_PASSWORD",
                "WEHPU_CAPTCHA_MASKS",
                "WEHPU_LIBRARY_URL",
                "WEHPU_LOGISTICS_URL",
                "WEHPU_PHYSICAL_URL",
                "WEHPU_REPAIR_URL",
                "WEHPU_URP_HOST",
                "WEHPU_VPN_RSA_EXPONENT",
                "WEHPU_VPN_RSA_MODULUS",
                "WEHPU_VPN_URL",
            ]
        );
        assert_eq!(settings["WEHPU_NEWS_URL"].as_deref(), Some("http://news.hpu.edu.cn"));
        assert_eq!(settings["WEHPU_SUMMER"].as_deref(), Some("off"));
        assert!(!settings.contains_key("WEHPU_TERM"), "unset, but of use");
    }

    #[test]
    fn two_seasons_are_said_by_variables_and_more_are_not() {
        let mut school = built_in("demo-zf");
        let given = settings(&school);
        assert_eq!(given["WEHPU_SUMMER"].as_deref(), Some("05-01/09-30"));
        assert!(given["WEHPU_SECTION_TIMES"].as_deref().unwrap().contains(",14:00-14:45,"));
        assert!(given["WEHPU_SECTION_TIMES_SUMMER"].as_deref().unwrap().contains(",14:30-15:15,"));
        let third = Times { id: "third".to_owned(), ..school.times[0].clone() };
        school.times.push(third);
        assert_eq!(settings(&school)["WEHPU_SUMMER"], None);
    }
}
