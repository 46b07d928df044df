//! Profiles as a whole: the built-in ones, one that extends another, and broken ones.

mod broken;

use super::*;

/// A built-in profile.
pub(super) fn built_in(name: &str) -> School {
    read(name, false).school.unwrap_or_else(|problems| panic!("{problems}"))
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn the_built_in_profiles_are_valid() {
    for name in builtin::NAMES {
        let school = built_in(name);
        assert_eq!(school.id, name);
        assert!(read(name, true).school.is_ok());
    }
}

#[test]
fn a_number_is_served_by_the_first_system_whose_pattern_fits() {
    let school = built_in("demo-zf");
    let served = |number: &str| school.academic_of(number).map(|academic| academic.id.as_str());
    assert_eq!(served("202409000001"), Some("undergraduate"));
    assert_eq!(served("902409000001"), Some("postgraduate"));
    for number in ["", "302409000001", "20240900000", "2024090000012", "x02409000001"] {
        assert_eq!(served(number), None, "{number}");
    }
    // Today's engine takes whatever the contract allows.
    let school = built_in("hpu-urp");
    assert!(["31150900", "311509000001", "31150900000123"].iter().all(|number| school.academic_of(number).is_some()));
    assert!(school.academic_of("3115090").is_none());
}

#[test]
fn hpu_is_read_as_it_is_meant() {
    let school = built_in("hpu");
    assert_eq!(school.bind.passwords, Passwords::One);
    assert!(school.bind.keep_password);
    let [academic] = &school.academics[..] else { panic!("{:?}", school.academics) };
    assert_eq!((academic.login, &academic.roads[..]), (Login::Cas, &[Road::Direct][..]));
    assert!(academic.abilities.has(Ability::Plan) && academic.abilities.has(Ability::Exams));
    let System::Eams(options) = &academic.system else { panic!() };
    assert_eq!(options.pace.as_millis(), 800);
    assert_eq!(
        options.score_columns,
        [("最终".to_owned(), ScoreColumn::Text), ("总评成绩".to_owned(), ScoreColumn::Part)]
    );
    assert_eq!(school.cas.as_ref().unwrap().captcha, CasCaptcha::Cookie);
    assert_eq!(school.building_by_number(18).unwrap().short, "计算机");
    assert_eq!(school.building_by_number(2), None);
    assert_eq!(school.building_by_title("南校区3号教学楼").unwrap().id, "b3");
    assert_eq!(school.place("南校区", "南校区3号教学楼", "3103"), "3教3103");
    assert_eq!(school.place("南校区", "南校区5号教学楼", "5102"), "5教5102");
    assert_eq!((school.term.source, school.term.given.is_none()), (TermSource::System, true));
    assert!(school.services.news.is_some() && school.services.library.is_none());
}

#[test]
fn the_day_itself_decides_the_season() {
    let school = built_in("demo-zf");
    let season = |date: &str| school.times_on("东校区", day(date)).unwrap().id.as_str();
    for (date, id) in
        [("2026-05-01", "summer"), ("2026-09-30", "summer"), ("2026-10-01", "winter"), ("2027-04-30", "winter")]
    {
        assert_eq!(season(date), id, "{date}");
    }
}

#[test]
fn a_campus_has_its_own_times_or_those_of_all_or_those_of_the_only_campus() {
    let mut school = built_in("demo-zf");
    let found =
        |school: &School, campus: &str| school.times_on(campus, day("2026-11-27")).map(|times| times.id.clone());
    let own = Times { id: "west".to_owned(), campus: Some("2".to_owned()), season: None, ..school.times[0].clone() };
    school.times.push(own.clone());
    assert_eq!(found(&school, "西校区").as_deref(), Some("west"));
    assert_eq!(found(&school, "东校区").as_deref(), Some("winter"));
    assert_eq!(found(&school, "").as_deref(), Some("winter"), "the campus is not known");
    school.times = vec![own];
    assert_eq!(found(&school, ""), None, "the school has two");
    school.campuses.retain(|campus| campus.id == "2");
    assert_eq!(found(&school, "").as_deref(), Some("west"));
}

#[test]
fn a_school_publishes_what_it_has_feeds_of() {
    use crate::model::{CLASSES, Class};
    let published = |name: &str| {
        let services = built_in(name).services;
        CLASSES.into_iter().filter(|class| services.publishes(*class)).collect::<Vec<_>>()
    };
    assert_eq!(published("hpu-urp"), CLASSES);
    assert_eq!(published("hpu"), [Class::News]);
    assert!(published("demo-zf").is_empty());
}

#[test]
fn a_file_with_masks_is_for_the_urp() {
    let given = |profile: &str| {
        let text = builtin::text(profile).unwrap();
        let text = text.replacen("[captcha]", "[captcha]\nmasks = { urp = \"/etc/wehpu/masks.txt\" }", 1);
        let school = read_text("x.toml", &text, false).school.unwrap_or_else(|problems| panic!("{problems}"));
        settings(&school)["WEHPU_CAPTCHA_MASKS"].clone()
    };
    assert_eq!(given("hpu-urp").as_deref(), Some("/etc/wehpu/masks.txt"));
    assert_eq!(given("hpu"), None, "no URP reads with them");
}

/// A third school: nothing but a file.
const THIRD: &str = r#"extends = "demo-zf"
[school]
id = "third"
name = "第三学院"
maintainer = "its students"
[bind]
check_at = "https://jw.third.invalid"
[[academic]]
id = "undergraduate"
match = '^\d{10}$'
base = "https://jw.third.invalid"
[academic.options]
session_life = "10m"
[[academic]]
id = "postgraduate"
remove = true
[[building]]
id = "18"
number = 2
title = "博学楼"
short = "博学"
[[times]]
id = "west"
campus = "2"
sections = ["07:30-08:15", "08:25-09:10"]
[[swap]]
from = 2026-10-02
to = 2026-10-11
[[swap]]
from = 2026-10-01
remove = true
[news]
kind = "publisher"
base = "http://news.third.invalid"
list_path = "/list"
"#;

#[test]
fn a_school_is_made_by_a_file_that_extends_another() {
    let outcome = read_text("third.toml", THIRD, false);
    let school = outcome.school.unwrap_or_else(|problems| panic!("{problems}"));
    let [academic] = &school.academics[..] else { panic!("{:?}", school.academics) };
    assert!(academic.pattern.fits("2024090001"));
    let System::Jwglxt(options) = &academic.system else { panic!() };
    assert_eq!((options.pace.as_millis(), options.session_life.as_secs()), (1200, 600));
    let [building] = &school.buildings[..] else { panic!("{:?}", school.buildings) };
    assert_eq!((building.number, building.campus.as_str(), building.short.as_str()), (Some(2), "1", "博学"));
    assert_eq!(school.times_on("西校区", day("2026-06-01")).unwrap().id, "west");
    assert_eq!(school.times_on("东校区", day("2026-06-01")).unwrap().id, "summer");
    assert_eq!(school.times_on("", day("2026-11-01")).unwrap().id, "winter");
    assert_eq!(school.swaps, [Swap { from: day("2026-10-02"), to: Some(day("2026-10-11")) }]);
    assert_eq!(school.services.news.unwrap().list_path, "/list");
    // Each key knows which of the two files it comes from.
    let source = |path: &str| outcome.keys.iter().find(|key| key.path == path).unwrap().at.clone();
    assert_eq!(source("school.id").unwrap().to_string(), "third.toml:3");
    assert!(source("school.timezone").unwrap().to_string().starts_with("demo-zf (built in):"));
    assert_eq!(source("academic[undergraduate].options.login_twice"), None);
}

#[test]
fn the_example_of_the_documentation_is_valid() {
    let text = include_str!("../../docs/SCHOOLS.md");
    let example = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let school = read_text("example.toml", example, false).school.unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!((school.academics.len(), school.times.len(), school.swaps.len()), (1, 1, 0));
}

#[test]
fn a_profile_is_old_after_half_a_year() {
    let school = built_in("hpu");
    assert_eq!(school.outdated(day("2027-03-03")), None);
    let warning = school.outdated(day("2027-03-04")).unwrap();
    assert!(warning.contains("2026-09-04") && warning.ends_with("maintainer: the project"), "{warning}");
    assert_eq!(built_in("hpu-urp").outdated(day("2030-01-01")), None, "nobody says that he checked it");
}

#[test]
fn plain_http_is_for_development_and_for_those_who_accept_it() {
    let plain = builtin::text("hpu").unwrap().replace("https://zhjw", "http://zhjw");
    assert!(read_text("x.toml", &plain, false).school.is_err());
    assert!(read_text("x.toml", &plain, true).school.is_ok());
    let accepted = plain.replace("login = \"cas\"", "login = \"cas\"\nplain_http = \"accepted\"");
    assert!(read_text("x.toml", &accepted, false).school.is_ok());
}

#[test]
fn a_name_without_a_profile_and_a_file_that_is_not_there_are_named() {
    let said = |source: &str| read(source, false).school.unwrap_err().to_string();
    assert!(said("hpu2").contains("hpu-urp, hpu, demo-zf"));
    for source in ["no/such", "no-such.toml"] {
        assert!(said(source).starts_with(&format!("{source}: cannot be read")), "{}", said(source));
    }
}

#[test]
fn times_of_variables_cover_the_year() {
    use crate::model::lessons::{LessonTimes, Season};
    let sections = built_in("hpu").times[0].sections.clone();
    let summer = Some((Season { first: (5, 1), last: (9, 30) }, sections[..2].to_vec()));
    let times = times_of(&LessonTimes { usual: sections.clone(), summer });
    assert_eq!(times[1].season, Some(Season { first: (10, 1), last: (4, 30) }));
    let holding = |date: &str| times.iter().filter(|times| times.has(day(date))).count();
    assert!(["2026-05-01", "2026-09-30", "2026-10-01", "2027-04-30"].iter().all(|date| holding(date) == 1));
    assert_eq!(times_of(&LessonTimes { usual: sections, summer: None })[0].season, None);
}
