//! News of the logistics department.

pub mod parse_article;
pub mod parse_list;

use url::Url;

use super::{
    CampusError,
    feed::{ArticlePage, Link, LinkError, ListPage},
    page::PageEncoding,
    publisher::Publisher,
    site::join,
};
use crate::outbound::{Outbound, System};

/// Client of the logistics department's news.
#[derive(Debug, Clone)]
pub struct Logistics {
    publisher: Publisher,
    base: Url,
}

impl Logistics {
    pub(super) fn new(base: &Url, outbound: &Outbound) -> Self {
        Self { publisher: Publisher::new(System::Logistics, base, outbound), base: base.clone() }
    }

    /// Page `page` of the list, counted from 1. A page past the end is empty.
    pub async fn list(&self, page: u32) -> Result<ListPage, CampusError> {
        let path = format!("/dsh/Pchome/GetNewsListbySub?RowCount=0&PageIndex={page}&PageSize=10&LgType=1&PID=0101");
        self.publisher.list(join(&self.base, &path), PageEncoding::Gbk, parse_list::parse_list).await
    }

    /// The article behind a link of the list. A failure does not count against the system, except when the answer shows
    /// that the system does not work.
    pub async fn article(&self, link: &Link) -> Result<ArticlePage, LinkError> {
        // The articles are UTF-8, unlike the lists.
        self.publisher.article(link, parse_article::PAGE, PageEncoding::Utf8, parse_article::parse_article).await
    }
}
