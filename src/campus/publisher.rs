//! A public system that publishes articles: how its lists and articles are requested.

use url::Url;

use super::{
    CampusError, ask,
    feed::{ArticlePage, Link, LinkError, ListPage, Origin, Refusal},
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

    /// A list page. Every failure is recorded with the breaker.
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

    /// The article behind `link`. Only the system's own origin is asked, wherever the link comes from.
    pub(super) async fn article(
        &self,
        link: &Link,
        name: &'static str,
        encoding: PageEncoding,
        parse: impl FnOnce(&str, &Link) -> Result<ArticlePage, PageError>,
    ) -> Result<ArticlePage, LinkError> {
        self.origin.check(&link.url).map_err(LinkError::Refused)?;
        let request = Request::get(link.url.clone());
        let arrival = self.outbound.open(self.system, request, &mut Cookies::default()).await.map_err(link_error)?;
        let read = |html: &str| parse(html, link);
        read_article(self.system, arrival, name, encoding, read).await
    }
}

/// Reads an article. A failure is recorded with the breaker only if the system itself does not work.
pub(super) async fn read_article(
    system: System,
    mut arrival: Arrival<'_>,
    name: &'static str,
    encoding: PageEncoding,
    parse: impl FnOnce(&str) -> Result<ArticlePage, PageError>,
) -> Result<ArticlePage, LinkError> {
    let present = there(system, &arrival, name);
    let body = arrival.download.page().await.map_err(link_error)?;
    let read = page::decode_answer(&body, arrival.download.charset_line(), encoding).and_then(|text| parse(&text));
    let article = match (read, present) {
        // A login or maintenance page says more than its status.
        (Err(e @ (PageError::SessionExpired(_) | PageError::Closed(..) | PageError::Maintenance)), _) => {
            Err(CampusError::of_page(system, e))
        }
        (_, Err(gone)) => Err(gone),
        (read, Ok(())) => read.map_err(|e| CampusError::of_page(system, e)),
    };
    match article {
        Err(CampusError::Down(_) | CampusError::Failing(_)) => arrival.failed(),
        // A single changed page proves neither that the system works nor that it does not.
        Err(CampusError::Changed { .. }) => {}
        _ => drop(arrival.well()),
    }
    article.map_err(LinkError::Campus)
}

/// Fails when the status says that the page is not there.
pub(super) fn there(system: System, arrival: &Arrival<'_>, page: &'static str) -> Result<(), CampusError> {
    let missing = match arrival.download.status().as_u16() {
        200..=299 => return Ok(()),
        404 | 410 => "the page itself, it is gone",
        _ => "status of success",
    };
    Err(CampusError::Changed { system, page, missing })
}

/// The error of a link without an answer.
pub(super) fn link_error(error: OutboundError) -> LinkError {
    match error {
        OutboundError::Redirect(_) => LinkError::Refused(Refusal::RedirectElsewhere),
        OutboundError::RedirectLoop(_) => LinkError::Refused(Refusal::RedirectLoop),
        OutboundError::TooLarge(_) => LinkError::Refused(Refusal::TooLarge),
        other => LinkError::Campus(CampusError::of_outbound(other)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::{Router, http::StatusCode, routing::get};

    use super::*;
    use crate::campus::{news::News, page::fixture::bytes};

    /// More failures in a row than trip the breaker.
    const MANY: usize = 8;

    async fn news() -> (News, Outbound, Url) {
        let router = Router::new()
            .route("/contents/good", get(|| async { bytes("news/article.gbk.html") }))
            .route("/contents/garbage", get(|| async { bytes("garbage.html") }))
            .route("/contents/maintenance", get(|| async { bytes("maintenance.gbk.html") }))
            .route("/contents/gone", get(|| async { (StatusCode::NOT_FOUND, bytes("news/article.gbk.html")) }))
            .route("/list", get(|| async { bytes("news/list.gbk.html") }))
            .route("/bad/list", get(|| async { bytes("garbage.html") }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let outbound = Outbound::new(Duration::from_secs(20), 2, None).unwrap();
        (News::new(&base, "/list", &outbound), outbound, base)
    }

    fn link(base: &Url, path: &str) -> Link {
        Link { url: base.join(path).unwrap(), title: "题".to_owned(), date: None }
    }

    #[tokio::test]
    async fn an_article_that_is_gone_or_garbage_is_told_and_its_breaker_is_not() {
        let (news, outbound, base) = news().await;
        assert!(news.article(&link(&base, "/contents/good")).await.is_ok());
        for _ in 0..MANY {
            for path in ["/contents/gone", "/contents/garbage"] {
                let error = news.article(&link(&base, path)).await.unwrap_err();
                assert!(matches!(error, LinkError::Campus(CampusError::Changed { .. })), "{path}: {error}");
            }
        }
        assert!(!outbound.is_open(System::News));
        for _ in 0..MANY {
            assert!(news.article(&link(&base, "/contents/maintenance")).await.is_err());
        }
        assert!(outbound.is_open(System::News), "maintenance is the system's");
    }

    #[tokio::test]
    async fn lists_that_are_garbage_open_the_breaker() {
        let (news, outbound, base) = news().await;
        assert_eq!(news.list(1).await.unwrap().links.len(), 1, "the relative one; the others are of another host");
        let broken = News::new(&base.join("/bad").unwrap(), "/list", &outbound);
        for _ in 0..MANY {
            assert!(broken.list(1).await.is_err());
        }
        assert!(outbound.is_open(System::News));
    }

    #[tokio::test]
    async fn a_link_to_another_host_is_refused_unasked_wherever_it_comes_from() {
        let (news, ..) = news().await;
        for (address, refusal) in
            [("http://127.0.0.1:1/contents/1", Refusal::OtherHost), ("file:///x", Refusal::Scheme)]
        {
            let link = Link { url: Url::parse(address).unwrap(), title: "题".to_owned(), date: None };
            assert_eq!(news.article(&link).await, Err(LinkError::Refused(refusal)));
        }
    }
}
