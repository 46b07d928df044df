//! University news: a list on several pages, and articles. GBK.

use std::fmt::Write as _;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::Response;
use axum::routing::get;

use super::articles::{PER_PAGE, deliver, gone, of_page, page_number};
use crate::call::Call;
use crate::feeds::FeedItem;
use crate::gate::Refused;
use crate::page::{Escaped, encode, html};
use crate::sim::Sim;
use crate::system::{Kind, Operation, System};
use crate::world::lock;

/// Path prefix of the news.
const MOUNT: &str = "/news";

const LIST: Operation = Operation::new(System::News, "list", Kind::List);
const ARTICLE: Operation = Operation::new(System::News, "article", Kind::Open);

pub(crate) fn router() -> Router<Sim> {
    Router::new()
        .route("/news/SiteFiles/Inner/dynamic/output.aspx", get(list))
        .route("/news/news/contents/{channel}/{page}", get(article))
}

async fn list(State(sim): State<Sim>, call: Call) -> Result<Response, Refused> {
    let Some(number) = call.query.find("pageNum").and_then(page_number) else {
        return Ok(sim.unexpected(&call, "the list is asked for with pageNum=<number from 1>"));
    };
    let visit = sim.admit(LIST, &call.wire).await?;
    let items = if visit.empty { Vec::new() } else { lock(sim.feeds()).news.listed() };
    let host = call.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    Ok(html(System::News, &list_page(&format!("http://{host}{MOUNT}"), number, &items)))
}

async fn article(
    State(sim): State<Sim>,
    Path((_, name)): Path<(String, String)>,
    call: Call,
) -> Result<Response, Refused> {
    let _visit = sim.admit(ARTICLE, &call.wire).await?;
    let id = name.strip_suffix(".html").and_then(|id| id.parse().ok());
    let item = id.and_then(|id| lock(sim.feeds()).news.find(id).cloned());
    Ok(match item {
        Some(item) => deliver(&item, &call, "text/html", encode(System::News, &article_page(&item))).await,
        None => gone(),
    })
}

fn head(title: &str) -> String {
    format!(
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\">\r\n<html>\n<head>\r\n\
         <meta http-equiv=\"Content-Type\" content=\"text/html; charset=gb2312\" />\n<title>{}</title>\r\n\
         <script type=\"text/javascript\">var pageUrl = '<a href=\"/news/contents/1.html\">';</script>\n</head>\r\n<body>\n\
         <div class=\"menu\"><ul><li><a href=\"{MOUNT}/index.html\">首页</a><li><a href=\"{MOUNT}/news/index/\">综合新闻</a>\
         <li><a href=\"{MOUNT}/media/index/\">媒体理工</a>\r\n</ul></div>\n",
        Escaped(title)
    )
}

const TAIL: &str = "<div class=\"foot\">&nbsp;版权所有&copy;&nbsp;校园模拟器</div>\r\n</body>\n</html>\r\n";

/// A page of the list; `base` is what absolute addresses start with.
fn list_page(base: &str, number: usize, items: &[FeedItem]) -> String {
    let mut page = head("综合新闻");
    page.push_str("<table width=\"100%\" cellpadding=\"0\">\r\n<tr><td valign=\"top\">\n<ul class=\"NewsList\">\r\n");
    for item in of_page(items, number) {
        let own = format!("{base}/news/contents/543/{}.html", item.id);
        let title = Escaped(&item.title);
        // The list's <li> are not closed, as everywhere on these pages.
        let _ = write!(
            page,
            "<li><a href=\"{}\" target=\"_blank\" title=\"{title}\">{title}</a><span>{}</span>\r\n",
            Escaped(item.link.as_deref().unwrap_or(&own)),
            Escaped(&item.date)
        );
    }
    let pages = items.len().div_ceil(PER_PAGE).max(1);
    let _ = write!(
        page,
        "</ul>\n<!-- <ul><li><a href=\"{base}/news/contents/543/1.html\">旧版</a></li></ul> -->\r\n<tr><td class=\"pager\">\n\
         共{}条&nbsp;{number}/{pages}页&nbsp;&nbsp;<a href=\"javascript:stlDynamic_page(1);\">首页</a>&nbsp;\
         <a href=\"javascript:stlDynamic_page({});\">上一页</a>&nbsp;<a href=\"javascript:stlDynamic_page({});\">下一页</a>&nbsp;\
         <a href=\"javascript:stlDynamic_page({pages});\">尾页</a>\r\n</table>\n",
        items.len(),
        number.saturating_sub(1).max(1),
        number.saturating_add(1).min(pages)
    );
    page + TAIL
}

fn article_page(item: &FeedItem) -> String {
    let mut page = head(&item.title);
    let _ = write!(
        page,
        "<div class=\"position\">当前位置：<a href=\"{MOUNT}/index.html\">首页</a> &gt; <a href=\"{MOUNT}/news/index/\">综合新闻</a></div>\r\n\
         <table width=\"100%\"><tr><td align=\"center\">\n<div class=\"NewsTitle\">{}</div>\r\n<tr>\
         <td align=\"center\">供稿人：{}&nbsp;&nbsp;发布：admin&nbsp;&nbsp;{}&nbsp;点击：<script src=\"{MOUNT}/hits.js\"></script></td>\n\
         <tr><td>\r\n<div id=\"NewsContent\">\n<style type=\"text/css\">\n.p0 {{ text-indent:2em; }}\n</style>\r\n",
        Escaped(&item.title),
        Escaped(&item.tag),
        Escaped(&item.date)
    );
    for (index, paragraph) in item.paragraphs.iter().enumerate() {
        // What was pasted from a word processor brings its own elements, and paragraphs nobody closes.
        let end = if index % 2 == 0 { "<o:p></o:p></p>\r\n" } else { "\n" };
        let _ = write!(page, "<p class=\"p0\">&nbsp;&nbsp;&nbsp;&nbsp;<span>{}</span>{end}", Escaped(paragraph));
    }
    for image in &item.images {
        let _ = write!(page, "<p align=\"center\"><img border=\"0\" src=\"{}\"></p>\r\n", Escaped(image));
    }
    page.push_str(
        "<p>&nbsp;</p>\n</div>\r\n</table>\n<div>【<a href=\"javascript:window.print();\">打印</a>】</div>\r\n",
    );
    page + TAIL
}
