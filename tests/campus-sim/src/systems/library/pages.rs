//! The library's pages: grids of nested tables with generated ids. A grid without rows is left out.

use std::fmt::Write as _;

use super::renewal::{State, target};
use crate::page::Escaped;
use crate::student::Loan;
use crate::world::{Book, Copy};

const GRID: &str = "ctl00_ContentPlaceHolder1_GridView1";

fn head(title: &str, action: &str) -> String {
    head_with(title, action, "/wEPDwUK")
}

fn head_with(title: &str, action: &str, view_state: &str) -> String {
    format!(
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\">\r\n<html>\n<head><title>\r\n\t{title}\r\n</title></head>\n\
         <body>\r\n<form name=\"aspnetForm\" method=\"post\" action=\"{}\" id=\"aspnetForm\">\n\
         <div>\r\n<input type=\"hidden\" name=\"__VIEWSTATE\" id=\"__VIEWSTATE\" value=\"{view_state}\" />\n</div>\n<div>\r\n",
        Escaped(action)
    )
}

const TAIL: &str = "</div>\r\n</form>\n</body>\r\n</html>\r\n";

/// An id the way the grid makes them: rows count from 2.
fn label(row: usize, number: u32) -> String {
    format!("{GRID}_ctl{:02}_Label{number}", row + 2)
}

/// The login page, with what a failed try pops up.
pub(super) fn login(error: Option<&str>) -> String {
    let mut page = head("用户登录", "OutLogin.aspx?kind=2");
    page.push_str(
        "用户名：<input name=\"userid\" type=\"text\" id=\"userid\" />\r\n\
         密&nbsp;&nbsp;码：<input name=\"password\" type=\"password\" id=\"password\" />\n\
         <input type=\"submit\" value=\"登录\" />\r\n",
    );
    if let Some(error) = error {
        let _ = writeln!(page, "<script type=\"text/javascript\">alert('{error}');</script>");
    }
    page + TAIL
}

/// Loans per page.
pub(super) const LOANS: usize = 10;

/// Target of the pager's links.
pub(super) const PAGER: &str = "ctl00$ContentPlaceHolder1$GridView1";

/// Page `number` (from 0) of the books on loan, with what the page pops up.
pub(super) fn borrowing(all: &[Loan], number: usize, message: Option<&str>) -> String {
    let loans = all.chunks(LOANS).nth(number).unwrap_or_default();
    let pages = all.len().div_ceil(LOANS);
    let state = State::of(loans);
    let mut page = head_with("借阅信息", "Borrowing.aspx", &state.view);
    for (name, value) in [("__EVENTTARGET", ""), ("__EVENTARGUMENT", ""), ("__EVENTVALIDATION", &state.validation)] {
        let _ = write!(page, "<input type=\"hidden\" name=\"{name}\" id=\"{name}\" value=\"{value}\" />\r\n");
    }
    page.push_str(
        "<script type=\"text/javascript\">\n//<![CDATA[\nfunction __doPostBack(eventTarget, eventArgument) {\r\n\
         theForm.__EVENTTARGET.value = eventTarget; theForm.submit();\n}\n//]]>\n</script>\r\n",
    );
    if let Some(message) = message {
        let _ = writeln!(page, "<script type=\"text/javascript\">alert('{message}');</script>");
    }
    if !loans.is_empty() {
        let _ = write!(page, "<table cellspacing=\"0\" cellpadding=\"0\" border=\"0\" id=\"{GRID}\">\r\n");
        for (row, loan) in loans.iter().enumerate() {
            borrowed(&mut page, row, loan);
        }
        if pages > 1 {
            let _ = write!(
                page,
                "<tr><td>第{}页/共{pages}页 <input type=\"image\" name=\"{PAGER}$ctl13$btnNext\" src=\"pic/NextPage.png\" \
                 onclick=\"javascript:__doPostBack('{PAGER}','Page$Next');return false;\"></td></tr>\r\n",
                number + 1
            );
        }
        page.push_str("</table>\n");
    }
    page + TAIL
}

fn borrowed(page: &mut String, row: usize, loan: &Loan) {
    let _ = write!(
        page,
        "<tr align=\"left\" style=\"height:60px;\">\n<td>\r\n<table style=\"width: 760px\">\r\n<tr>\n<td colspan=\"4\">\
         <a id=\"{GRID}_ctl{:02}_HyperLink1\" title=\"{2}\" href=\"Book.aspx?id={1}\">{2}</a></td>\r\n</tr>\n<tr>\r\n",
        row + 2,
        Escaped(&loan.book_id),
        Escaped(&loan.title)
    );
    if loan.renewable {
        let _ = writeln!(page, "<td><span id=\"{}\" style=\"color:Red;\">可续借</span></td>", label(row, 5));
    }
    let overdue = if loan.overdue.is_empty() { "&nbsp;".to_owned() } else { Escaped(&loan.overdue).to_string() };
    let values = [
        ("馆藏号", 6, Escaped(&loan.copy_number).to_string()),
        ("馆藏地", 7, Escaped(&loan.place).to_string()),
        ("续借次数", 10, loan.renewals.to_string()),
        ("借书时间", 8, Escaped(&loan.lent_on).to_string()),
        ("应还日期", 9, Escaped(&loan.due_on).to_string()),
        ("超期情况", 11, overdue),
    ];
    for (name, number, value) in values {
        let _ = write!(page, "<td>{name}：<span id=\"{}\">{value}</span></td>\r\n", label(row, number));
    }
    if loan.renewable {
        let _ = write!(
            page,
            "<td><a id=\"{GRID}_ctl{:02}_LinkButton1\" href=\"javascript:__doPostBack(&#39;{}&#39;,&#39;&#39;)\">续借</a></td>\r\n",
            row + 2,
            target(row)
        );
    }
    page.push_str("</tr>\n</table>\r\n</td>\n</tr>\r\n");
}

/// The first page of a search that found `found` books.
pub(super) fn search(words: &str, found: usize, books: &[Book]) -> String {
    let mut page = head("检索结果", "SearchResult.aspx");
    let _ = write!(page, "<span id=\"ctl00_ContentPlaceHolder1_countlbl\">共检索到{found}条记录</span>\r\n");
    if !books.is_empty() {
        let _ = write!(page, "<table cellspacing=\"0\" border=\"0\" id=\"{GRID}\">\r\n");
        for (row, book) in books.iter().enumerate() {
            result(&mut page, row, book, words);
        }
        // The pager sits among the results and has no link when it stands on its only page.
        page.push_str("<tr>\n<td>\r\n<table border=\"0\">\n<tr><td><span>1</span></td></tr>\r\n</table>\n</td>\r\n</tr>\n</table>\r\n");
    }
    page + TAIL
}

fn result(page: &mut String, row: usize, book: &Book, words: &str) {
    let _ = write!(
        page,
        "<tr>\r\n<td>\n<table cellspacing=\"0\" cellpadding=\"0\" style=\"width: 1000px; height:88px\">\r\n<tr><td colspan=\"3\">\
         <a id=\"{GRID}_ctl{:02}_HyperLink1\" href=\"Book.aspx?id={}\" target=\"_blank\">{}</a></td></tr>\n<tr>",
        row + 2,
        book.id,
        marked(&book.title, words)
    );
    let pairs = [("索书号", &book.call_number), ("责任者", &book.author), ("出版社", &book.publisher)];
    for (pair, (name, value)) in (0_u32..).zip(pairs) {
        let value = if value.is_empty() { "&nbsp;".to_owned() } else { Escaped(value).to_string() };
        let _ = write!(
            page,
            "<td><span id=\"{}\">{name}：</span><span id=\"{}\" style=\"display:inline-block;color:#000000\">{value}</span></td>",
            label(row, 2 * pair + 1),
            label(row, 2 * pair + 2)
        );
    }
    page.push_str("</tr>\r\n</table>\n</td>\r\n</tr>\n");
}

/// A title with the words that were searched for in red.
fn marked(title: &str, words: &str) -> String {
    let at = title.char_indices().map(|(at, _)| at).find(|&at| {
        title.get(at..at + words.len()).is_some_and(|part| !words.is_empty() && part.eq_ignore_ascii_case(words))
    });
    match at {
        Some(at) => {
            let (before, rest) = title.split_at(at);
            let (hit, after) = rest.split_at(words.len());
            format!("{}<font color=red>{}</font>{}", Escaped(before), Escaped(hit), Escaped(after))
        }
        None => Escaped(title).to_string(),
    }
}

/// The copies of a book.
pub(super) fn copies(id: &str, copies: &[Copy]) -> String {
    let mut page = head("图书信息", &format!("Book.aspx?id={id}"));
    if !copies.is_empty() {
        let _ = write!(
            page,
            "<table cellspacing=\"0\" cellpadding=\"0\" rules=\"all\" border=\"1\" id=\"{GRID}\">\r\n<tr align=\"center\">\n"
        );
        for column in ["馆藏位置", "条码号", "馆藏号", "借出时间", "应还时间", "状态"] {
            let _ = write!(page, "<th scope=\"col\">{column}</th>");
        }
        page.push_str("\r\n</tr>");
        for (row, copy) in copies.iter().enumerate() {
            one_copy(&mut page, row, copy);
        }
        page.push_str("\n</table>\r\n");
    }
    page + TAIL
}

fn one_copy(page: &mut String, row: usize, copy: &Copy) {
    let _ = write!(
        page,
        "<tr align=\"left\" style=\"height:24px;\">\r\n<td>\n<span id=\"{}\">{}</span><span id=\"{}\">{}</span>\r\n</td>",
        label(row, 1),
        Escaped(&copy.place),
        label(row, 2),
        Escaped(&copy.shelf)
    );
    let (lent, due, state) = match &copy.lent {
        Some((lent, due)) => (lent.as_str(), due.as_str(), "不可借"),
        None => ("&nbsp;", "&nbsp;", "可借"),
    };
    for value in [copy.bar_code.as_str(), &copy.number, lent, due] {
        let _ = write!(page, "<td align=\"center\" style=\"width:110px;\">{value}</td>");
    }
    let _ = write!(page, "<td align=\"center\">\r\n<span id=\"{}\">{state}</span>\n</td>\r\n</tr>", label(row, 3));
}

#[cfg(test)]
mod tests {
    use super::marked;

    #[test]
    fn the_words_found_are_marked_whatever_their_case() {
        assert_eq!(marked("学习Rust & 实践", "rust"), "学习<font color=red>Rust</font> &amp; 实践");
        assert_eq!(marked("地质学", "质"), "地<font color=red>质</font>学");
        assert_eq!(marked("地质学", ""), "地质学");
    }
}
