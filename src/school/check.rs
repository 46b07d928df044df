//! From the tree of a profile to a [`School`]: reads each table, then checks what several tables say together.

use super::{
    Bind, Passwords, School, academic,
    academic::{Ability, Academic, Gates, System},
    fields::{Fields, Report},
    file::{Node, Table, Value},
    gates, places,
    problem::Problem,
    services, term, times,
    values::{choice, date, flag, id, secure_url, text},
};

/// The time zone of the whole service.
const TIMEZONE: &str = "Asia/Shanghai";

/// Keys that may not be in a profile have one of these words in their name: secrets are variables.
const SECRET_WORDS: [&str; 3] = ["password", "token", "secret"];

/// Keys with such a word that hold no secret.
const NO_SECRETS: [&str; 2] = ["bind.passwords", "bind.keep_password"];

/// Takes every key out that could hold a secret, and names it without its value.
pub(super) fn refuse_secrets(node: &mut Node, path: &str, report: &Report) {
    match &mut node.value {
        Value::Table(table) => {
            table.retain_mut(|(key, node)| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let name = key.to_lowercase();
                let secret = SECRET_WORDS.iter().any(|word| name.contains(word));
                if secret && !NO_SECRETS.contains(&path.as_str()) {
                    report.add(Problem {
                        at: node.at.clone(),
                        key: path,
                        what: "secrets do not stand in a profile; they are variables".to_owned(),
                        example: "WEHPU_BULLETIN_VPN_PASSWORD_FILE=/etc/wehpu/bulletin".to_owned(),
                    });
                    return false;
                }
                refuse_secrets(node, &path, report);
                true
            });
        }
        Value::List(nodes) => nodes.iter_mut().for_each(|node| refuse_secrets(node, path, report)),
        _ => {}
    }
}

/// Reads the whole profile. `lenient`: plain HTTP is accepted everywhere.
pub(super) fn school(root: Node, lenient: bool, report: &Report) -> Option<School> {
    let table = match root.value {
        Value::Table(table) => table,
        _ => Table::new(),
    };
    let mut root = Fields::new(report, String::new(), root.at, table);
    let head = root.required_table("school").map(head);
    let bind = root.required_table("bind").map(|fields| bind(fields, lenient));
    let academics = root.list("academic", "id");
    if academics.is_empty() {
        root.problem("academic", "at least one [[academic]] must be there", "[[academic]]");
    }
    let gates = Gates { cas: root.has("cas"), vpn: root.has("vpn") };
    let academics = all(academics.into_iter().map(|fields| academic::read(fields, gates, lenient)));
    let cas = root.table("cas").map(|fields| gates::cas(fields, lenient));
    let vpn = root.table("vpn").map(|fields| gates::vpn(fields, lenient));
    root.unknown("webvpn", "no system is reached through a web proxy", "roads = [\"direct\"]");
    let captcha_masks = root.table("captcha").and_then(gates::captcha);
    // What refers to a list is compared with it only if the whole list could be read.
    let campuses = all(root.list("campus", "id").into_iter().map(places::campus));
    let known = campuses.as_deref();
    let buildings: Vec<_> =
        root.list("building", "id").into_iter().filter_map(|fields| places::building(fields, known)).collect();
    let times = root.list("times", "id");
    if times.is_empty() {
        root.problem("times", "at least one [[times]] must be there", "[[times]]");
    }
    let times = all(times.into_iter().map(|fields| times::read(fields, known)));
    let term = root.required_table("term").map(term::read);
    let swaps: Vec<_> = root.list("swap", "from").into_iter().filter_map(term::swap).collect();
    root.unknown("gpa", "no averages are computed", "a profile without [[gpa]]");
    let services = services::read(&mut root);
    root.finish();

    if let (Some(times), Some(campuses)) = (&times, &campuses) {
        times::check(report, times, campuses);
    }
    if let Some(Some(term)) = &term {
        term::check(report, term, &swaps);
    }
    check_numbers(report, &buildings);
    check_titles(report, &buildings);
    if services.bulletin.is_some() && vpn.is_none() {
        report.problem("bulletin.kind", "the board is behind the VPN and needs a table [vpn]", "kind = \"none\"");
    }
    let (head, bind) = (head.flatten(), bind.flatten());
    if let (Some(bind), Some(academics)) = (&bind, &academics) {
        check_passwords(report, bind.passwords, academics);
        if !bind.keep_password {
            report.problem("bind.keep_password", "this version cannot do without the password", "keep_password = true");
        }
    }
    if let (Some(Some(term)), Some(academics)) = (&term, &academics) {
        check_terms(report, term, academics);
    }
    let head = head?;
    Some(School {
        id: head.id,
        name: head.name,
        timezone: head.timezone,
        maintainer: head.maintainer,
        checked: head.checked,
        bind: bind?,
        academics: academics?,
        cas: cas.flatten(),
        vpn: vpn.flatten(),
        captcha_masks,
        campuses: campuses?,
        buildings,
        times: times?,
        term: term.flatten()?,
        swaps,
        services,
    })
}

/// All of them, if each could be read. Takes each in any case, so that all problems are noted.
fn all<T>(read: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let read: Vec<Option<T>> = read.collect();
    read.into_iter().collect()
}

/// What `[school]` says.
struct Head {
    id: String,
    name: String,
    timezone: String,
    maintainer: String,
    checked: Option<chrono::NaiveDate>,
}

fn head(mut fields: Fields<'_>) -> Option<Head> {
    let id = fields.required("id", "\"my-school\"", id);
    let name = fields.required("name", "\"示例大学\"", text(50));
    let timezone = fields.defaulted("timezone", &Value::Text(TIMEZONE.to_owned()), |value| match value {
        Value::Text(zone) if zone == TIMEZONE => Ok(zone.clone()),
        _ => Err(format!("must be {TIMEZONE}, the only time zone of this version")),
    });
    let maintainer = fields.required("maintainer", "\"who answers for this file\"", text(100));
    let checked = fields.optional("checked", "2026-09-04", date);
    fields.finish();
    Some(Head { id: id?, name: name?, timezone: timezone?, maintainer: maintainer?, checked })
}

fn bind(mut fields: Fields<'_>, lenient: bool) -> Option<Bind> {
    let passwords = fields.required("passwords", "\"one\"", choice);
    let account_name = fields.required("account_name", "\"统一身份认证\"", text(20));
    let check_at = fields.required("check_at", "\"https://cas.example.edu.cn\"", secure_url(lenient));
    let keep_password = fields.defaulted("keep_password", &Value::Flag(true), flag);
    fields.finish();
    Some(Bind {
        passwords: passwords?,
        account_name: account_name?,
        check_at: check_at?,
        keep_password: keep_password?,
    })
}

/// Where the term is not configured, each academic system must tell it.
fn check_terms(report: &Report, term: &term::TermRule, academics: &[Academic]) {
    let silent = academics.iter().filter(|academic| !academic.abilities.has(Ability::Terms));
    if term.source == term::TermSource::System && term.given.is_none() {
        for academic in silent {
            let what = "it must tell its terms, since [term] has source = \"system\" and names none";
            report.problem(&format!("academic[{}].abilities", academic.id), what, "abilities = [\"table\", \"terms\"]");
        }
    }
}

fn check_numbers(report: &Report, buildings: &[places::Building]) {
    for (index, building) in buildings.iter().enumerate() {
        let Some(number) = building.number else { continue };
        if let Some(other) = buildings[..index].iter().find(|other| other.number == Some(number)) {
            let what = format!("{number} is the number of [[building]] {}, too", other.id);
            report.problem(&format!("building[{}].number", building.id), &what, "number = 3");
        }
    }
}

fn check_titles(report: &Report, buildings: &[places::Building]) {
    for (index, building) in buildings.iter().enumerate() {
        let same = |other: &&places::Building| (&other.title, &other.campus) == (&building.title, &building.campus);
        if let Some(other) = buildings[..index].iter().find(same) {
            let what = format!("[[building]] {} of the same campus has this title, too", other.id);
            report.problem(&format!("building[{}].title", building.id), &what, "title = \"3号教学楼\"");
        }
    }
}

/// Two passwords are those of the VPN and of the URP behind it, of which there is one.
fn check_passwords(report: &Report, passwords: Passwords, academics: &[Academic]) {
    let urp: Vec<&Academic> = academics.iter().filter(|academic| academic.system == System::UrpClassic).collect();
    match (passwords, urp.as_slice()) {
        (Passwords::One, [_, ..]) => {
            let what = "urp-classic needs the password of the VPN and its own";
            report.problem("bind.passwords", what, "passwords = \"vpn-and-jwc\"");
        }
        (Passwords::VpnAndJwc, []) if !academics.is_empty() => {
            let what = "vpn-and-jwc is for urp-classic, and no [[academic]] is one";
            report.problem("bind.passwords", what, "passwords = \"one\"");
        }
        (Passwords::VpnAndJwc, [_, second, ..]) => {
            let what = "there can be one urp-classic";
            report.problem(&format!("academic[{}].system", second.id), what, "system = \"eams\"");
        }
        _ => {}
    }
}
