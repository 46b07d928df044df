//! The bulletin board behind the VPN: one page with lectures and notices; a notice is a page or a file. GBK.

use std::fmt::Write as _;

use super::articles::{deliver, gone};
use super::vpn::Inside;
use crate::call::Call;
use crate::feeds::{Behaviour, FeedItem, FeedKind, Lecture};
use crate::gate::Refused;
use crate::page::{Escaped, encode};
use crate::sim::Sim;
use crate::system::{Kind, Operation, System};
use crate::world::lock;

// The board has no sessions of its own: who is let in by the VPN may read it.
const BOARD: Operation = Operation::new(System::Bulletin, "board", Kind::List);
const NOTICE: Operation = Operation::new(System::Bulletin, "notice", Kind::Open);

/// Answers a request the VPN relays.
pub(crate) async fn answer(sim: &Sim, call: &Call, path: &str) -> Result<Inside, Refused> {
    if call.method != axum::http::Method::GET {
        return Ok(Inside::Raw(sim.unexpected(call, "the bulletin board is only read")));
    }
    match path {
        "swfweb/hpugg.aspx" => {
            let visit = sim.admit(BOARD, &call.wire).await?;
            let (lectures, notices) = {
                let feeds = lock(sim.feeds());
                if visit.empty { Default::default() } else { (feeds.lectures.clone(), feeds.bulletin.listed()) }
            };
            Ok(Inside::Page(System::Bulletin, board_page(&lectures, &notices)))
        }
        "swfweb/ggxx.aspx" => {
            let Some(id) = call.query.find("id") else {
                return Ok(Inside::Raw(sim.unexpected(call, "a notice is asked for with id=<id>")));
            };
            let _visit = sim.admit(NOTICE, &call.wire).await?;
            let item = id.parse().ok().and_then(|id| lock(sim.feeds()).bulletin.find(id).cloned());
            Ok(match item.filter(|item| item.kind == FeedKind::Html) {
                None => Inside::Raw(gone()),
                Some(item) => notice(&item, call).await,
            })
        }
        _ => match path.strip_prefix("swfweb/upload/") {
            Some(name) => {
                let _visit = sim.admit(NOTICE, &call.wire).await?;
                Ok(Inside::Raw(file(sim, call, name).await))
            }
            None => Ok(Inside::Raw(sim.unexpected(call, "the bulletin board has no such page"))),
        },
    }
}

async fn notice(item: &FeedItem, call: &Call) -> Inside {
    let page = notice_page(item);
    if item.behaviour == Behaviour::Normal {
        Inside::Page(System::Bulletin, page)
    } else {
        Inside::Raw(deliver(item, call, "text/html", encode(System::Bulletin, &page)).await)
    }
}

async fn file(sim: &Sim, call: &Call, wanted: &str) -> axum::response::Response {
    let found = lock(sim.feeds()).bulletin.0.iter().find_map(|item| match &item.kind {
        FeedKind::File { name, bytes } if name == wanted => Some((item.clone(), bytes.clone())),
        FeedKind::File { .. } | FeedKind::Html => None,
    });
    match found {
        Some((item, bytes)) => deliver(&item, call, content_type(wanted), bytes).await,
        None => gone(),
    }
}

/// What the web server makes of a file's name.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).as_deref() {
        Some("doc") => "application/msword",
        Some("pdf") => "application/pdf",
        Some("zip") => "application/x-zip-compressed",
        Some("xls") => "application/vnd.ms-excel",
        _ => "application/octet-stream",
    }
}

/// A notice's address as the board has it: some are relative, some start at the root (the VPN rewrites those).
fn address(item: &FeedItem) -> String {
    match (&item.link, &item.kind) {
        (Some(link), _) => link.clone(),
        (None, FeedKind::File { name, .. }) => format!("upload/{name}"),
        (None, FeedKind::Html) if item.id.is_multiple_of(2) => format!("/swfweb/ggxx.aspx?id={}", item.id),
        (None, FeedKind::Html) => format!("ggxx.aspx?id={}", item.id),
    }
}

const HEAD: &str = "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\">\r\n<html>\n<head><title>\r\n\t公告栏\r\n</title>\
    <link href=\"/swfweb/css/tabs.css\" rel=\"stylesheet\" type=\"text/css\" /></head>\n<body>\r\n\
    <form name=\"form1\" method=\"post\" action=\"hpugg.aspx\" id=\"form1\">\n<div>\r\n\
    <input type=\"hidden\" name=\"__VIEWSTATE\" id=\"__VIEWSTATE\" value=\"/wEPDwUK\" />\n</div>\r\n";
const TAIL: &str = "</form>\r\n</body>\n</html>\r\n";

fn board_page(lectures: &[Lecture], notices: &[FeedItem]) -> String {
    let mut page = HEAD.to_owned();
    page.push_str(
        "<ul class=\"tabs\"><li><a href=\"#\" onclick=\"show(0)\">学术讲座</a><li><a href=\"#\" onclick=\"show(1)\">通知公告</a></ul>\n\
         <div class=\"panes\">\r\n<div>\n<table cellspacing=\"0\" border=\"0\" id=\"GridView1\" style=\"width:100%;\">\r\n",
    );
    for (index, lecture) in lectures.iter().enumerate() {
        let gap = if index % 2 == 0 { " " } else { "&nbsp;&nbsp;" };
        let _ = write!(
            page,
            "<tr align=\"left\" style=\"height:30px;\">\n<td>\r\n<div class=\"jzbt\">{}</div>\n<div>{}</div>\r\n<div>{}{gap}{}</div>\n\
             <div class=\"nr\">{}</div>\r\n",
            Escaped(&lecture.title),
            Escaped(&lecture.speaker),
            Escaped(&lecture.time),
            Escaped(&lecture.place),
            Escaped(&lecture.content)
        );
    }
    page.push_str(
        "</table>\n</div>\r\n<div>\n<!-- <div><span><a href=\"ggxx.aspx?id=0\">样例</a></span></div> -->\r\n",
    );
    for item in notices {
        let _ = writeln!(
            page,
            "<div style=\"height:24px\"><span class=\"bt\">·<a href=\"{}\" target=\"_blank\">{}</a></span>\
             <span class=\"rq\">[{}]</span></div>",
            Escaped(&address(item)),
            Escaped(&item.title),
            Escaped(&item.date)
        );
    }
    page.push_str("</div>\r\n</div>\n");
    page + TAIL
}

fn notice_page(item: &FeedItem) -> String {
    let mut page = HEAD.to_owned();
    let _ = write!(
        page,
        "<table width=\"90%\" align=\"center\">\n<tr><td align=\"center\"><h3><span id=\"Label1\">{}</span></h3>\r\n",
        Escaped(&item.title)
    );
    // Not every notice says when it was written.
    if !item.id.is_multiple_of(3) {
        let _ = writeln!(page, "<tr><td align=\"right\"><span id=\"Label2\">{}</span>", Escaped(&item.date));
    }
    page.push_str("<tr><td>\r\n<span id=\"Label3\" style=\"display:inline-block;\">");
    for (index, paragraph) in item.paragraphs.iter().enumerate() {
        let _ = if index == 0 {
            write!(page, "&nbsp;&nbsp;{}<br>\r\n<br />", Escaped(paragraph))
        } else {
            writeln!(page, "<p>&nbsp;&nbsp;{}", Escaped(paragraph))
        };
    }
    for image in &item.images {
        let _ = write!(page, "<img src=\"{}\">\r\n", Escaped(image));
    }
    page.push_str("</span>\n</table>\r\n");
    page + TAIL
}
