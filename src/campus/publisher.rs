//! A public system that lists articles: how its lists and articles are asked for.

use url::Url;

use super::{
    CampusError, ask,
    feed::{Article, Link, LinkError, ListPage, Origin, Refusal},
    page::{self, PageEncoding, PageError},
    session::Session,
};
use crate::outbound::{Arrival, Cookies, Outbound, OutboundError, Request, System};

/// One system.
#[derive(Debug, Clone)]
pub(super) struct Publisher {
    system: System,
    origin: Origin,
    outbound: Outbound,
}

impl Publisher {
    pub(super) fn new(system: System, base: &Url, outbound: &Outbound) -> Self {
        Self { system, origin: Origin::of(base), outbound: outbound.clone() }
    }

    /// A list page. The breaker learns of every failure.
    pub(super) async fn list(
        &self,
        url: Url,
        encoding: PageEncoding,
        parse: impl FnOnce(&str, &Url) -> Result<ListPage, PageError>,
    ) -> Result<ListPage, CampusError> {
        let page = url.clone();
        let read = |html: &str| parse(html, &page);
        ask(&self.outbound, self.system, Request::get(url), &mut Session::default(), encoding, read).await
    }

    /// The article behind `link`, wherever that comes from: only the system's own host is asked.
    pub(super) async fn article(
        &self,
        link: &Link,
        name: &'static str,
        encoding: PageEncoding,
        parse: impl FnOnce(&str, &Link) -> Result<Article, PageError>,
    ) -> Result<Article, LinkError> {
        self.origin.check(&link.url).map_err(LinkError::Refused)?;
        let request = Request::get(link.url.clone());
        let arrival = self.outbound.open(self.system, request, &mut Cookies::default()).await.map_err(link_error)?;
        let read = |html: &str| parse(html, link);
        read_article(self.system, arrival, name, encoding, read).await
    }
}

/// Reads an article that has arrived. The breaker learns when it shows that the system itself does not work.
pub(super) async fn read_article(
    system: System,
    mut arrival: Arrival<'_>,
    name: &'static str,
    encoding: PageEncoding,
    parse: impl FnOnce(&str) -> Result<Article, PageError>,
) -> Result<Article, LinkError> {
    let present = there(system, &arrival, name);
    let body = arrival.download.page().await.map_err(link_error)?;
    let read = page::decode(&body, encoding).and_then(|text| parse(&text));
    let article = match (read, present) {
        // A login page or a maintenance page says more than its status.
        (Err(e @ (PageError::SessionExpired(_) | PageError::Maintenance)), _) => Err(CampusError::of_page(system, e)),
        (_, Err(gone)) => Err(gone),
        (read, Ok(())) => read.map_err(|e| CampusError::of_page(system, e)),
    };
    match article {
        Err(CampusError::Down(_)) => arrival.failed(),
        // That one page is another one proves neither that the system works nor that it does not.
        Err(CampusError::Changed { .. }) => {}
        _ => drop(arrival.well()),
    }
    article.map_err(LinkError::Campus)
}

/// Whether the answer is what was asked for, going by its status.
pub(super) fn there(system: System, arrival: &Arrival<'_>, page: &'static str) -> Result<(), CampusError> {
    let missing = match arrival.download.status().as_u16() {
        200..=299 => return Ok(()),
        404 | 410 => "the page itself, it is gone",
        _ => "status of success",
    };
    Err(CampusError::Changed { system, page, missing })
}

/// What became of a link whose answer did not come.
pub(super) fn link_error(error: OutboundError) -> LinkError {
    match error {
        OutboundError::Redirect(_) => LinkError::Refused(Refusal::RedirectElsewhere),
        OutboundError::RedirectLoop(_) => LinkError::Refused(Refusal::RedirectLoop),
        OutboundError::TooLarge(_) => LinkError::Refused(Refusal::TooLarge),
        other => LinkError::Campus(CampusError::of_outbound(other)),
    }
}
