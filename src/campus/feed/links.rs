//! Links of a list page: which are articles, whether the engine follows them, and the date beside them.

use std::collections::HashSet;

use scraper::ElementRef;
use url::Url;

use super::{Link, ListPage, Refusal, RefusedLink};
use crate::{
    campus::page::{
        clean,
        dom::{Page, text_of},
    },
    day,
};

/// Longest address of a refused link that is kept, in characters.
const MAX_ADDRESS: usize = 500;

/// How many levels above a link its date can be.
const LEVELS: usize = 3;

/// The only origin that is asked: scheme, host and port of a system's base address.
#[derive(Debug, Clone)]
pub(in crate::campus) struct Origin(url::Origin);

impl Origin {
    pub(in crate::campus) fn of(base: &Url) -> Self {
        Self(base.origin())
    }

    /// Whether the engine may request `url`.
    pub(in crate::campus) fn check(&self, url: &Url) -> Result<(), Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            Err(Refusal::Scheme)
        } else if url.origin() != self.0 {
            Err(Refusal::OtherHost)
        } else {
            Ok(())
        }
    }
}

/// Collects the links of a list page in order, each address once.
pub(in crate::campus) struct Links {
    origin: Origin,
    seen: HashSet<String>,
    page: ListPage,
}

impl Links {
    /// Only addresses of the same origin as `base` are followed.
    pub(in crate::campus) fn new(base: &Url) -> Self {
        Self { origin: Origin::of(base), seen: HashSet::new(), page: ListPage::default() }
    }

    /// Takes a link: `address` as the page has it, `url` what it resolves to. Skips a link without a title: the same
    /// link with the title is beside it.
    pub(in crate::campus) fn take(&mut self, address: &str, url: Option<Url>, title: String, date: Option<String>) {
        if title.is_empty() {
            return;
        }
        let checked = url.ok_or(Refusal::Scheme).and_then(|url| self.origin.check(&url).map(|()| url));
        match checked {
            Ok(mut url) => {
                url.set_fragment(None);
                // Never send user name and password of a link.
                let _ = (url.set_username(""), url.set_password(None));
                if self.seen.insert(url.to_string()) {
                    self.page.links.push(Link { url, title, date });
                }
            }
            Err(refusal) => {
                let address: String = clean(address).chars().take(MAX_ADDRESS).collect();
                if self.seen.insert(address.clone()) {
                    self.page.refused.push(RefusedLink { address, title, refusal });
                }
            }
        }
    }

    /// Takes the entries of a list in the order of the page: links whose path contains `article` (lower case), and
    /// links to other hosts, which differ from menu links by their place in an entry and their date.
    ///
    /// `None` when there are entries and none can be read: addresses have changed, or the page is damaged.
    pub(in crate::campus) fn entries(page: &Page, address: &Url, article: &str) -> Option<ListPage> {
        let (mut links, mut strange) = (Self::new(address), false);
        let is_article = |url: &Url| url.path().to_ascii_lowercase().contains(article);
        for link in page.elements("a") {
            let Some(href) = link.attr("href") else { continue };
            let url = address.join(href.trim()).ok();
            let article = url.as_ref().is_some_and(is_article);
            let date = if article || is_entry(link) { date_near(link) } else { None };
            let own = url.as_ref().is_some_and(|url| url.origin() == address.origin());
            if article || (date.is_some() && !own) {
                links.take(href, url, title_of(link), date);
            } else {
                strange |= date.is_some();
            }
        }
        let list = links.finish();
        let vanished = strange || (list.is_empty() && shows_entries(page, article));
        (!list.links.is_empty() || !vanished).then_some(list)
    }

    pub(in crate::campus) fn finish(self) -> ListPage {
        self.page
    }
}

/// Whether a page without a readable entry shows that it has some: an address of an article, or an entry with a date.
fn shows_entries(page: &Page, article: &str) -> bool {
    page.markup_mentions(article) || page.elements("li").any(|entry| date_in(&text_of(entry)).is_some())
}

/// Whether a link is inside a list entry.
fn is_entry(link: ElementRef<'_>) -> bool {
    link.ancestors().filter_map(ElementRef::wrap).take(LEVELS).any(|part| part.value().name() == "li")
}

/// The title of a link: its `title` attribute, which is complete where the text is cut, or its text.
pub(in crate::campus) fn title_of(link: ElementRef<'_>) -> String {
    let title = link.attr("title").map(clean).unwrap_or_default();
    if title.is_empty() { text_of(link) } else { title }
}

/// The date beside a link: in the elements around it that hold no other link.
pub(in crate::campus) fn date_near(link: ElementRef<'_>) -> Option<String> {
    let around = link.ancestors().filter_map(ElementRef::wrap).take(LEVELS);
    around.take_while(|part| is_alone(*part, link)).find_map(|part| {
        // First after the title, which may mention another day.
        let text = text_of(part);
        let title = text_of(link);
        let (before, behind) = text.split_once(&title).unwrap_or(("", &text));
        date_in(behind).or_else(|| date_in(before))
    })
}

fn is_alone(part: ElementRef<'_>, link: ElementRef<'_>) -> bool {
    // A picture beside it often links to the same article.
    let target =
        |element: ElementRef<'_>| element.attr("href").and_then(|href| href.split('#').next()).map(str::to_owned);
    let own = target(link);
    part.descendent_elements().filter_map(target).all(|other| Some(&other) == own.as_ref())
}

/// The first date in a text, as the mini-program shows it: `2017-12-01`.
pub(in crate::campus) fn date_in(text: &str) -> Option<String> {
    day::find(text).map(|day| day.date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn only_the_systems_own_scheme_host_and_port_are_followed() {
        let base = url("http://news.example:8080/news");
        let refusal = |address: &str| {
            let mut links = Links::new(&base);
            links.take(address, base.join(address).ok(), "题".to_owned(), None);
            links.finish().refused.first().map(|link| link.refusal)
        };
        assert_eq!(refusal("contents/1.html"), None);
        assert_eq!(refusal("http://news.example:8080/else"), None);
        for elsewhere in [
            "http://news.example/contents/1.html",
            "https://news.example:8080/contents/1.html",
            "http://127.0.0.1/",
            "//evil.example/contents/1.html",
            "http://news.example:8080@evil.example/",
            "\\\\evil.example\\x",
        ] {
            assert_eq!(refusal(elsewhere), Some(Refusal::OtherHost), "{elsewhere}");
        }
        for other in ["file:///etc/passwd", "javascript:void(0)", "gopher://news.example:8080/", "http://[::1"] {
            assert_eq!(refusal(other), Some(Refusal::Scheme), "{other}");
        }
    }

    #[test]
    fn each_address_is_taken_once_without_fragment_and_login() {
        let base = url("http://news.example/");
        let mut links = Links::new(&base);
        for address in ["/a#top", "/a", "http://u:p@news.example/a", "/b"] {
            links.take(address, base.join(address).ok(), "题".to_owned(), None);
        }
        links.take("/c", base.join("/c").ok(), String::new(), None);
        let urls: Vec<_> = links.finish().links.into_iter().map(|link| link.url.to_string()).collect();
        assert_eq!(urls, ["http://news.example/a", "http://news.example/b"]);
    }

    #[test]
    fn the_address_of_a_refused_link_is_kept_short() {
        let mut links = Links::new(&url("http://news.example/"));
        links.take(&"长".repeat(600), None, "题".to_owned(), None);
        assert_eq!(links.finish().refused[0].address.chars().count(), MAX_ADDRESS);
    }
}
