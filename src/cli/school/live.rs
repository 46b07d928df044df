//! `school check --live`: asks each host of a profile, by GET and without a login.

use std::fmt::Write;

use url::{Origin, Url};

use super::{
    super::print,
    Failure, told,
    trail::{Answer, Client, Seen, follow},
};
use crate::{
    campus::page::dom::Page,
    school::{Academic, Road, School, System, fingerprint::Known},
};

/// Words in a login page that speak of a captcha.
const CAPTCHA_WORDS: [&str; 4] = ["captcha", "yzm", "validatecode", "验证码"];

/// A host to ask.
struct Target {
    /// The key of the profile that names it.
    key: String,
    url: Url,
    /// The system that should answer.
    system: Option<&'static str>,
    /// Whether it should show a login page.
    has_login: bool,
}

/// Asks every host once and prints what it found. Fails if one does not answer or is another system.
pub(super) async fn run(school: &School, client: &Client) -> Result<(), Failure> {
    let (targets, hidden) = targets(school);
    for key in hidden {
        print(&format!("{key}: behind a login, not asked\n"))?;
    }
    let (mut asked, mut failed): (Vec<Origin>, usize) = (Vec::new(), 0);
    for target in targets {
        let origin = target.url.origin();
        if asked.contains(&origin) {
            print(&format!("{}: {} was asked already\n", target.key, target.url))?;
            continue;
        }
        let client = client.another()?;
        let trail = follow(target.url.clone(), async |url| client.get(url).await, |_| false).await;
        asked.extend(trail.steps.iter().filter(|step| step.answer != Answer::None).map(|step| step.url.origin()));
        let mut text = format!("{}:\n{}", target.key, told(&trail));
        let mut problem = trail.failure.clone();
        if let (Some(wanted), Some(found)) = (target.system, trail.system().map(Known::name))
            && wanted != found
        {
            problem = Some(format!("the profile says {wanted}"));
        }
        if let Some(last) = trail.last.filter(|_| target.has_login) {
            let _ = writeln!(text, "{}", login_page(&last));
        }
        if let Some(problem) = problem {
            failed += 1;
            let _ = writeln!(text, "problem: {problem}");
        }
        print(&text)?;
    }
    if failed == 0 { Ok(()) } else { Err(format!("{failed} of the addresses are not as the profile says").into()) }
}

/// The hosts that can be asked, and the keys of those that cannot.
fn targets(school: &School) -> (Vec<Target>, Vec<String>) {
    let (mut targets, mut hidden) = (Vec::new(), Vec::new());
    for academic in &school.academics {
        let key = format!("academic[{}]", academic.id);
        match entry(academic).filter(|_| academic.roads.contains(&Road::Direct)) {
            Some(url) => targets.push(Target { key, url, system: Some(academic.system.name()), has_login: true }),
            None => hidden.push(key),
        }
    }
    let services = &school.services;
    let gates = [
        ("cas", school.cas.as_ref().and_then(|cas| below(&cas.base, "cas/login"))),
        ("vpn", school.vpn.as_ref().map(|vpn| vpn.base.clone())),
    ];
    let others = [
        ("library", services.library.clone()),
        ("physical", services.physical.clone()),
        ("repair", services.repair.clone()),
        ("news", services.news.as_ref().map(|news| news.base.clone())),
        ("logistics", services.logistics.clone()),
    ];
    for (gates, has_login) in [(&gates[..], true), (&others[..], false)] {
        for (key, url) in gates {
            let target = |url: &Url| Target { key: (*key).to_owned(), url: url.clone(), system: None, has_login };
            targets.extend(url.as_ref().map(target));
        }
    }
    hidden.extend(services.bulletin.as_ref().map(|_| "bulletin".to_owned()));
    (targets, hidden)
}

/// Where a login at an academic system begins.
fn entry(academic: &Academic) -> Option<Url> {
    match &academic.system {
        System::UrpClassic => Some(academic.base.clone()),
        System::Eams(options) => below(&academic.base, &options.entry),
        System::Jwglxt(_) => below(&academic.base, "xtgl/login_slogin.html"),
    }
}

/// A path below a base, or at the root of its host if it begins with a slash.
fn below(base: &Url, path: &str) -> Option<Url> {
    let folder = format!("{}/", base.as_str().trim_end_matches('/'));
    Url::parse(&folder).ok()?.join(path).ok()
}

/// Whether a page has a login form, and whether it speaks of a captcha.
fn login_page(seen: &Seen) -> String {
    let is_password = |kind: &str| kind.eq_ignore_ascii_case("password");
    let form = Page::parse(&seen.page)
        .is_ok_and(|page| page.elements("input").any(|input| input.attr("type").is_some_and(is_password)));
    let page = seen.page.to_lowercase();
    let captcha = match CAPTCHA_WORDS.iter().any(|word| page.contains(word)) {
        _ if seen.captcha_cookie => "wanted (the cookie X_CAPTCHA is set)",
        true => "perhaps (the page speaks of one)",
        false => "no sign of one",
    };
    format!("login page: {}, captcha: {captcha}", if form { "readable" } else { "no field for a password" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::school;

    fn addresses(name: &str) -> (Vec<String>, Vec<String>) {
        let (targets, hidden) = targets(&school::read(name, false).school.unwrap());
        (targets.into_iter().map(|target| target.url.to_string()).collect(), hidden)
    }

    #[test]
    fn every_host_that_is_open_to_all_is_asked_where_its_login_begins() {
        let (asked, hidden) = addresses("hpu");
        assert_eq!(
            asked,
            [
                "https://zhjw.hpu.edu.cn/eams/login.action",
                "https://uia.hpu.edu.cn/cas/login",
                "http://news.hpu.edu.cn/"
            ]
        );
        assert_eq!(hidden, [""; 0]);
        let (asked, _) = addresses("demo-zf");
        assert_eq!(
            asked,
            [
                "https://jw.demo.invalid/jwglxt/xtgl/login_slogin.html",
                "https://yjs.demo.invalid/xtgl/login_slogin.html"
            ]
        );
        assert_eq!(addresses("hpu-urp").1, ["academic[urp]", "bulletin"]);
    }

    #[test]
    fn a_login_page_is_one_with_a_field_for_a_password() {
        let told = |page: &str, cookie| {
            login_page(&Seen { status: 200, location: None, page: page.to_owned(), captcha_cookie: cookie })
        };
        assert_eq!(told("<input type='PASSWORD'>", false), "login page: readable, captcha: no sign of one");
        assert!(told("<input type='password'><img src='/kaptcha'>验证码", false).contains("perhaps"));
        assert!(told("<input type='password'>", true).contains("wanted"));
        assert!(told("<p>维护中</p>", false).contains("no field"));
    }
}
