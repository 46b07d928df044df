//! University news.

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

/// Client of the university news.
#[derive(Debug, Clone)]
pub struct News {
    publisher: Publisher,
    list: Url,
}

impl News {
    pub(super) fn new(base: &Url, list_path: &str, outbound: &Outbound) -> Self {
        Self { publisher: Publisher::new(System::News, base, outbound), list: join(base, list_path) }
    }

    /// Page `page` of the list, counted from 1. A page past the end is empty.
    pub async fn list(&self, page: u32) -> Result<ListPage, CampusError> {
        self.publisher.list(numbered(&self.list, page), PageEncoding::Gbk, parse_list::parse_list).await
    }

    /// The article behind a link of the list. A failure does not count against the system, except when the answer shows
    /// that the system does not work.
    pub async fn article(&self, link: &Link) -> Result<ArticlePage, LinkError> {
        self.publisher.article(link, parse_article::PAGE, PageEncoding::Gbk, parse_article::parse_article).await
    }
}

/// The address of a page of the list. The other parameters stay the same to the byte: one of them is opaque.
fn numbered(list: &Url, page: u32) -> Url {
    let is_number = |pair: &str| pair.split('=').next().is_some_and(|name| name.eq_ignore_ascii_case("pageNum"));
    let query = list.query().unwrap_or_default();
    let others = query.split('&').filter(|pair| !pair.is_empty() && !is_number(pair)).map(str::to_owned);
    let pairs: Vec<String> = others.chain([format!("pageNum={page}")]).collect();
    let mut url = list.clone();
    url.set_query(Some(&pairs.join("&")));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_the_page_is_replaced_and_nothing_else() {
        let list = Url::parse("http://news.example/x/output.aspx?a=1&pageNum=1&tpl=A%2Bb%3d%3D&e").unwrap();
        let expected = "http://news.example/x/output.aspx?a=1&tpl=A%2Bb%3d%3D&e&pageNum=12";
        assert_eq!(numbered(&list, 12).as_str(), expected);
        let bare = Url::parse("http://news.example/list").unwrap();
        assert_eq!(numbered(&bare, 2).as_str(), "http://news.example/list?pageNum=2");
    }
}
