//! News of the logistics department: list (GBK) and articles (UTF-8).

use std::fmt::Write as _;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::articles::{deliver, gone, of_page, page_number};
use crate::call::Call;
use crate::feeds::FeedItem;
use crate::gate::Refused;
use crate::page::{Escaped, html};
use crate::sim::Sim;
use crate::system::{Kind, Operation, System};
use crate::world::lock;

/// Path prefix of the logistics news.
const MOUNT: &str = "/logistics";

const LIST: Operation = Operation::new(System::Logistics, "list", Kind::List);
const ARTICLE: Operation = Operation::new(System::Logistics, "article", Kind::Open);

/// Parameters of every list request, in addition to the page.
const LIST_PARAMETERS: [(&str, &str); 4] = [("RowCount", "0"), ("PageSize", "10"), ("LgType", "1"), ("PID", "0101")];

pub(crate) fn router() -> Router<Sim> {
    Router::new()
        .route("/logistics/dsh/Pchome/GetNewsListbySub", get(list))
        .route("/logistics/dsh/Pchome/newsInfoDesc", get(article))
}

async fn list(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let wrong = LIST_PARAMETERS.iter().find(|(name, value)| call.query.find(name) != Some(value));
    if let Some((name, value)) = wrong {
        return Ok(sim.unexpected(&call, &format!("a list is asked for with {name}={value}")));
    }
    let Some(number) = call.query.find("PageIndex").and_then(page_number) else {
        return Ok(sim.unexpected(&call, "a list is asked for with PageIndex=<number from 1>"));
    };
    let visit = sim.admit(LIST, &call.wire).await?;
    let items = if visit.empty { Vec::new() } else { lock(sim.feeds()).logistics.listed() };
    Ok(html(System::Logistics, &list_page(of_page(&items, number))))
}

async fn article(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let Some(id) = call.query.find("ID") else {
        return Ok(sim.unexpected(&call, "an article is asked for with ID=<id>"));
    };
    let _visit = sim.admit(ARTICLE, &call.wire).await?;
    let item = id.parse().ok().and_then(|id| lock(sim.feeds()).logistics.find(id).cloned());
    Ok(match item {
        Some(item) => deliver(&item, &call, "text/html", article_page(&item).into_bytes()).await,
        None => gone(),
    })
}

/// `2017-12-01` as `2017/12/1`; anything else as it is.
fn slashed(date: &str) -> String {
    let parts: Option<Vec<u32>> = date.split('-').map(|part| part.parse().ok()).collect();
    match parts.as_deref() {
        Some([year, month, day]) => format!("{year}/{month}/{day}"),
        _ => date.to_owned(),
    }
}

/// The list is a fragment that a script puts into its page.
fn list_page(items: &[FeedItem]) -> String {
    let mut page = String::from("\r\n<ul class=\"newslist\">\n");
    for item in items {
        let own = format!("{MOUNT}/dsh/Pchome/newsInfoDesc?ID={}", item.id);
        let _ = write!(
            page,
            "    <li><a href=\"{}\">{}</a><span>{}</span>\r\n",
            Escaped(item.link.as_deref().unwrap_or(&own)),
            Escaped(&item.title),
            Escaped(&slashed(&item.date))
        );
    }
    page + "</ul>\n"
}

fn article_page(item: &FeedItem) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\r\n<html>\n<head>\r\n<meta charset=\"utf-8\" />\n<title>{title}</title>\r\n</head>\n<body>\r\n\
         <div class=\"centerright\">\n<div class=\"centerrighthead\">您的位置：<a href=\"{MOUNT}/dsh/Pchome/Index\">首页</a>&nbsp;&gt;\
         &nbsp;<a href=\"{MOUNT}/dsh/Pchome/NewsList?PID=0101\">{tag}</a></div>\r\n\
         <div class=\"title\">\n<h2>{title}</h2>\r\n<span>{date}</span>&nbsp;<b>浏览：<i id=\"hits\"></i></b>\n</div>\r\n\
         <div class=\"Newstxt\">\n",
        title = Escaped(&item.title),
        tag = Escaped(&item.tag),
        date = Escaped(&slashed(&item.date))
    );
    for (index, paragraph) in item.paragraphs.iter().enumerate() {
        // The editor leaves empty paragraphs behind and does not close all others.
        let end = if index % 2 == 0 { "\r\n<p><br /></p>\n" } else { "</p>\r\n" };
        let _ = write!(page, "<p style=\"text-indent: 2em;\">{}{end}", Escaped(paragraph));
    }
    for image in &item.images {
        let _ = write!(page, "<p><img src=\"{}\" title=\"1.jpg\" /></p>\r\n", Escaped(image));
    }
    page.push_str("</div>\n</div>\r\n<script>document.getElementById('hits').innerHTML = '<b>1</b>';</script>\n</body>\r\n</html>\r\n");
    page
}

#[cfg(test)]
mod tests {
    use super::slashed;

    #[test]
    fn a_date_is_written_with_slashes_and_without_zeros() {
        assert_eq!(slashed("2017-12-01"), "2017/12/1");
        assert_eq!(slashed("昨天"), "昨天");
    }
}
