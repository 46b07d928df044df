//! Broken files: each problem is named by key and line.

use super::*;

/// A profile, what of its text becomes what (the first time it occurs), the line that is wrong, by the first piece of text
/// like it, and the key that is named. A blank at the end of a line marks the second of two equal ones.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str);

const CASES: [Case; 61] = [
    ("hpu", "id = \"hpu\"\n", "id =\n", "id =", ""),
    ("hpu", "id = \"hpu\"\n", "id = \"HPU\"\n", "\"HPU\"", "school.id"),
    ("hpu", "timezone = \"Asia/Shanghai\"", "timezone = \"Europe/Berlin\"", "Berlin", "school.timezone"),
    ("hpu", "maintainer = \"the project\"\n", "", "[school]", "school.maintainer"),
    ("hpu", "maintainer = ", "maintained_by = \"x\"\nmaintainer = ", "maintained_by", "school.maintained_by"),
    ("hpu", "checked = 2026-09-04", "checked = \"2026-09-04\"", "checked", "school.checked"),
    ("hpu", "passwords = \"one\"", "passwords = \"two\"", "\"two\"", "bind.passwords"),
    ("hpu", "passwords = \"one\"", "passwords = \"vpn-and-jwc\"", "vpn-and-jwc", "bind.passwords"),
    ("hpu-urp", "passwords = \"vpn-and-jwc\"", "passwords = \"one\"", "\"one\"", "bind.passwords"),
    ("hpu", "check_at = \"https:", "check_at = \"http:", "check_at", "bind.check_at"),
    ("hpu", "keep_password = true", "keep_password = \"yes\"", "\"yes\"", "bind.keep_password"),
    ("hpu", "match = '^\\d{12}$'", "match = '\\d{12}'", "match", "academic[undergraduate].match"),
    ("hpu", "match = '^\\d{12}$'", "match = '^(\\d{12}$'", "match", "academic[undergraduate].match"),
    ("hpu", "system = \"eams\"", "system = \"urp\"", "\"urp\"", "academic[undergraduate].system"),
    ("hpu", "base = \"https://zhjw", "base = \"http://zhjw", "zhjw", "academic[undergraduate].base"),
    ("hpu", "base = \"https://zhjw", "base = \"zhjw", "zhjw", "academic[undergraduate].base"),
    ("hpu", "base = \"https://zhjw", "base = \"https://me:hunter2@zhjw", "zhjw", "academic[undergraduate].base"),
    ("hpu", "roads = [\"direct\"]", "roads = [\"train\"]", "train", "academic[undergraduate].roads"),
    ("hpu", "roads = [\"direct\"]", "roads = [\"vpn\"]", "roads", "academic[undergraduate].roads"),
    ("hpu", "roads = [\"direct\"]", "roads = [\"direct\", \"vpn\"]", "roads", "academic[undergraduate].roads"),
    ("hpu", "roads = [\"direct\"]", "roads = [\"webvpn\"]", "webvpn", "academic[undergraduate].roads"),
    ("hpu-urp", "roads = [\"vpn\"]", "roads = [\"direct\"]", "roads", "academic[urp].roads"),
    ("hpu-urp", "login = \"own\"", "login = \"cas\"", "login =", "academic[urp].login"),
    ("hpu-urp", "240.97\"", "240.97/jwc\"", "97/jwc", "academic[urp].base"),
    ("hpu", "\"plan\", ", "\"plan\", \"plan\", ", "abilities", "academic[undergraduate].abilities"),
    ("hpu", "\"plan\", ", "\"plans\", ", "abilities", "academic[undergraduate].abilities"),
    ("hpu", "pace = \"800ms\"", "pace = \"fast\"", "pace", "academic[undergraduate].options.pace"),
    ("hpu", "session_life = \"12m\"", "session_life = \"13h\"", "13h", "academic[undergraduate].options.session_life"),
    ("hpu", "rooms_", "exams = \"batch\"\nrooms_", "exams =", "academic[undergraduate].options.exams"),
    ("hpu", "rooms_", "project = \"all\"\nrooms_", "project =", "academic[undergraduate].options.project"),
    ("hpu", "rooms_", "login_twice = true\nrooms_", "twice", "academic[undergraduate].options.login_twice"),
    ("hpu", "= \"text\"", "= \"mark\"", "\"mark\"", "academic[undergraduate].options.score_columns.最终"),
    ("hpu", "\"classroom/", "\"https://x.cn/classroom/", "x.cn", "academic[undergraduate].options.rooms_prelude"),
    ("demo-zf", "login = \"own\"", "login = \"cas\"", "login", "academic[undergraduate].login"),
    ("demo-zf", "captcha = \"slider\"", "prefx = \"\"", "prefx", "academic[postgraduate].options.prefx"),
    ("demo-zf", "grid = \"both\"", "prefix = \"/jwglxt\"", "prefix", "academic[postgraduate].options.prefix"),
    ("demo-zf", "grid = \"both\"", "sso_entry = \"/sso/in\"", "sso_entry", "academic[postgraduate].options.sso_entry"),
    ("demo-zf", "grid = \"both\"", "hosts = [\"http://y.cn\"]", "y.cn", "academic[postgraduate].options.hosts"),
    ("demo-zf", "id = \"postgraduate\"", "id = \"undergraduate\" ", "id = \"undergraduate\" ", "academic.id"),
    ("hpu", "captcha = \"cookie\"", "captcha = \"never\"", "never", "cas.captcha"),
    ("hpu", "captcha_query = \"\"", "captcha_query = \"?type=ALPHABET\"", "ALPHABET", "cas.captcha_query"),
    ("hpu", "ticket_life = \"7d\"", "ticket_life = \"1000d\"", "1000d", "cas.ticket_life"),
    ("hpu", "cas = \"user\"", "cas = \"masks\"", "masks", "captcha.cas"),
    ("hpu", "cas = \"user\"", "[captcha.masks]\ncas = \"masks.txt\"", "masks.txt", "captcha.masks.cas"),
    ("hpu-urp", "urp = \"masks\"", "urp = \"user\"", "\"user\"", "captcha.urp"),
    ("hpu", "[captcha]", "[webvpn]\nkind = \"huayu\"\n[captcha]", "[webvpn]", "webvpn"),
    ("hpu-urp", "exponent = 65537", "exponent = 1", "exponent", "vpn.exponent"),
    (
        "hpu",
        "campus = \"south\"\nshort = \"3教\"",
        "campus = \"north\"\nshort = \"3教\"",
        "north",
        "building[b3].campus",
    ),
    ("hpu", "number = 18", "number = 19", "19", "building[cs].number"),
    ("hpu", "number = 3", "number = 1 ", "number = 1 ", "building[b3].number"),
    ("hpu", "\"09:00-09:50\"", "\"08:30-09:50\"", "08:30", "times[all].sections"),
    ("hpu", "\"09:00-09:50\"", "\"9-10\"", "9-10", "times[all].sections"),
    ("demo-zf", "until = \"09-30\"\n", "", "[[times]]", "times[summer].until"),
    ("demo-zf", "until = \"09-30\"", "until = \"09-29\"", "id = \"summer\"", "times[summer]"),
    ("demo-zf", "from = \"10-01\"", "from = \"09-30\"", "from = \"09-30\"", "times[winter].from"),
    ("hpu", "source = \"system\"\n\n", "source = \"system\"\nweeks = 20\n\n", "[term]", "term.name"),
    ("demo-zf", "to = 2026-10-10", "to = 2026-10-02", "to =", "swap[2026-10-02].to"),
    ("demo-zf", "from = 2026-10-01", "from = 2026-10-02 ", "from = 2026-10-02 ", "swap.from"),
    ("hpu", "[library]", "[[gpa]]\nid = \"a\"\nname = \"b\"\n[library]", "[[gpa]]", "gpa"),
    ("hpu", "list_path = ", "admin_token = \"hunter2\"\nlist_path = ", "admin_token", "news.admin_token"),
    ("hpu", "[logistics]\nkind = \"none\"", "[logistics]\nkind = \"books\"", "books", "logistics.kind"),
];

/// The line of `text` in which `piece` begins, counted from 1.
fn line_of(text: &str, piece: &str) -> usize {
    let at = text.find(piece).unwrap_or_else(|| panic!("{piece} in\n{text}"));
    text[..at].matches('\n').count() + 1
}

#[test]
fn every_broken_file_is_named_by_key_and_line() {
    for (profile, from, to, piece, key) in CASES {
        let text = builtin::text(profile).unwrap();
        assert!(text.contains(from), "{profile}: {from}");
        let text = text.replacen(from, to, 1);
        let problems = read_text("x.toml", &text, false).school.expect_err(to);
        let at = format!("x.toml:{}", line_of(&text, piece));
        let named =
            problems.0.iter().any(|problem| (problem.key.as_str(), problem.at.to_string()) == (key, at.clone()));
        assert!(named, "{to}: {at} {key} in\n{problems}");
        assert!(problems.0.len() <= 2, "{to}: {problems}");
        for problem in &problems.0 {
            assert!(!problem.to_string().contains("hunter2"), "{problem}");
            assert!(problem.key.is_empty() || !problem.example.is_empty(), "{problem}");
        }
    }
}

#[test]
fn a_key_that_would_do_nothing_is_said_to_be_unknown_to_this_version() {
    for (profile, from, to) in [
        ("hpu", "rooms_", "exams = \"batch\"\nrooms_"),
        ("hpu", "[captcha]", "[webvpn]\nkind = \"huayu\"\n[captcha]"),
        ("hpu", "roads = [\"direct\"]", "roads = [\"direct\", \"webvpn\"]"),
        ("hpu", "[library]", "[[gpa]]\nid = \"a\"\n[library]"),
        ("demo-zf", "grid = \"both\"", "prefix = \"\""),
        ("demo-zf", "grid = \"both\"", "sso_entry = \"/sso/in\""),
        ("demo-zf", "grid = \"both\"", "hosts = [\"https://jw2.demo.invalid\"]"),
    ] {
        let text = builtin::text(profile).unwrap().replacen(from, to, 1);
        let said = read_text("x.toml", &text, false).school.expect_err(to).to_string();
        assert!(said.contains("this version does not know"), "{said}");
    }
}

#[test]
fn all_problems_of_a_file_are_named_at_once() {
    let text = "[school]\nid = 1\n[bind]\npasswords = \"two\"\n[[academic]]\nsystem = \"eams\"\nroads = [\"vpn\"]\n[[times]]\nid = \"a\"\n[tern]\n";
    let Problems(problems) = read_text("x.toml", text, false).school.unwrap_err();
    let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "term",
            "school.maintainer",
            "school.name",
            "school.id",
            "bind.account_name",
            "bind.check_at",
            "bind.passwords",
            "academic[1].abilities",
            "academic[1].base",
            "academic[1].id",
            "academic[1].login",
            "academic[1].match",
            "academic[1].name",
            "academic[1].roads",
            "times[a].campus",
            "times[a].sections",
            "tern",
        ]
    );
}

#[test]
fn what_a_file_extends_must_be_built_in() {
    let text = "[school]\nid = \"x1\"\n";
    for extends in ["\"hpu3\"", "\"other.toml\"", "1"] {
        let text = format!("extends = {extends}\n{text}");
        let problems = read_text("x.toml", &text, false).school.unwrap_err();
        assert_eq!((problems.0[0].key.as_str(), problems.0[0].at.line), ("extends", Some(1)), "{problems}");
    }
}

#[test]
fn a_swap_outside_of_the_term_of_the_profile_is_named() {
    let term = "source = \"system\"\nname = \"2026-2027-1\"\nstart = 2026-10-05\nweeks = 18";
    let text = builtin::text("demo-zf").unwrap();
    let text = text.replace("[term]\nsource = \"system\"", &format!("[term]\n{term}"));
    let Problems(problems) = read_text("x.toml", &text, false).school.unwrap_err();
    let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["swap[2026-10-02].from", "swap[2026-10-01].from"]);
}

#[test]
fn a_problem_says_file_line_key_reason_and_example() {
    let text = builtin::text("hpu").unwrap().replace("'^\\d{12}$'", "'\\d{12}'");
    let said = read_text("my.toml", &text, false).school.unwrap_err().to_string();
    let line = line_of(&text, "match =");
    let expected = format!(
        "my.toml:{line}: academic[undergraduate].match: must begin with ^ and end with $; example: match = '^\\d{{12}}$'"
    );
    assert_eq!(said, expected);
}
