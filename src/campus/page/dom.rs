//! Access to a campus page: tables by their header, values by their label, and pages that came instead.

use scraper::{ElementRef, Html, Node};

use super::{Layer, PageError, Said, check_size, clean, said};

/// Words by which a page announces that its system is switched off. `数据库忙` is the URP's wording.
const MAINTENANCE: [&str; 12] = [
    "系统维护",
    "系统升级",
    "升级维护",
    "服务器维护",
    "网络维护",
    "正在维护",
    "维护中",
    "暂停服务",
    "暂停访问",
    "停止服务",
    "停机",
    "数据库忙",
];

/// Longest refusal, in characters; longer texts are instructions.
const MAX_REFUSAL: usize = 80;

/// Longest column name or label, in bytes (40 Chinese characters).
const MAX_LABEL_BYTES: usize = 120;

/// A page, parsed once.
pub(crate) struct Page<'a> {
    raw: &'a str,
    html: Html,
}

impl<'a> Page<'a> {
    pub(crate) fn parse(raw: &'a str) -> Result<Self, PageError> {
        check_size(raw)?;
        Ok(Self { raw, html: Html::parse_document(raw) })
    }

    /// All elements of one kind, in the order of the page.
    pub(crate) fn elements(&self, name: &'static str) -> impl Iterator<Item = ElementRef<'_>> {
        self.html.root_element().descendent_elements().filter(move |element| element.value().name() == name)
    }

    /// The first element of one kind with that id; ids are not unique in these pages.
    pub(crate) fn by_id(&self, name: &'static str, id: &str) -> Option<ElementRef<'_>> {
        self.elements(name).find(|element| element.value().id() == Some(id))
    }

    /// The first element of any kind with that id.
    pub(crate) fn any_by_id(&self, id: &str) -> Option<ElementRef<'_>> {
        self.html.root_element().descendent_elements().find(|element| element.value().id() == Some(id))
    }

    /// The innermost visible element whose own text contains `words`.
    pub(crate) fn having_text(&self, words: &str) -> Option<ElementRef<'_>> {
        let seen =
            |element: &ElementRef<'_>| !matches!(element.value().name(), "script" | "style" | "noscript" | "template");
        let own = |element: ElementRef<'_>| {
            element.children().any(|node| node.value().as_text().is_some_and(|text| text.contains(words)))
        };
        self.html.root_element().descendent_elements().filter(seen).find(|element| own(*element))
    }

    /// All elements, in the order of the page.
    pub(crate) fn all(&self) -> impl Iterator<Item = ElementRef<'_>> {
        self.html.root_element().descendent_elements()
    }

    /// The visible pieces of text, without the title.
    pub(crate) fn seen_texts(&self) -> impl Iterator<Item = &str> {
        self.all()
            .filter(|element| element.value().name() != "title" && !is_hidden(*element))
            .flat_map(|element| element.children().filter_map(|node| node.value().as_text().map(|text| &**text)))
    }

    /// All elements of a class, in the order of the page.
    pub(crate) fn of_class(&self, class: &'static str) -> impl Iterator<Item = ElementRef<'_>> {
        self.html.root_element().descendent_elements().filter(move |element| has_class(*element, class))
    }

    /// Whether a marker is readable on the page (the title counts, comments and scripts do not).
    pub(crate) fn shows(&self, marker: &str) -> bool {
        text_nodes(self.html.root_element()).any(|text| text.contains(marker))
    }

    pub(crate) fn title_contains(&self, words: &str) -> bool {
        self.elements("title").next().is_some_and(|title| text_of(title).contains(words))
    }

    /// Whether the page is complete: on a page that was cut off, an empty list proves nothing.
    pub(crate) fn is_whole(&self) -> bool {
        let end = self.raw.trim_end();
        let tail = end.len().saturating_sub(200);
        end.bytes().skip(tail).collect::<Vec<_>>().to_ascii_lowercase().windows(6).any(|part| part == b"</html")
    }

    /// Whether a form of the page has a field of that name.
    pub(crate) fn has_input(&self, name: &str) -> bool {
        self.elements("input").any(|input| input.attr("name") == Some(name))
    }

    /// Whether a form of the page goes to an address that contains `path`, ignoring case.
    pub(crate) fn has_form_to(&self, path: &str) -> bool {
        let path = path.to_ascii_lowercase();
        self.elements("form")
            .filter_map(|form| form.attr("action"))
            .any(|action| action.to_ascii_lowercase().contains(&path))
    }

    /// Whether the source contains `needle` anywhere, scripts and redirects included.
    pub(crate) fn mentions(&self, needle: &str) -> bool {
        self.raw.contains(needle)
    }

    /// Whether the source contains `needle` (lower case) outside scripts and comments, ignoring case; also in markup so
    /// damaged that it forms no element.
    pub(crate) fn markup_mentions(&self, needle: &str) -> bool {
        let source = self.raw.to_ascii_lowercase();
        let mut rest = source.as_str();
        loop {
            let skipped = [("<!--", "-->"), ("<script", "</script")];
            let next = skipped.into_iter().filter_map(|(begin, end)| Some((rest.find(begin)?, end))).min();
            let Some((at, end)) = next else { return rest.contains(needle) };
            if rest[..at].contains(needle) {
                return true;
            }
            let Some(length) = rest[at..].find(end) else { return false };
            rest = &rest[at + length + end.len()..];
        }
    }

    /// What this page is, if it is not the requested page of `layer`.
    pub(crate) fn instead(&self, layer: Layer, page: &'static str, missing: &'static str) -> PageError {
        // The VPN is in front of the others: its login page may answer any of their addresses.
        for layer in [Layer::Vpn, layer] {
            if self.is_login_page(layer) {
                return PageError::SessionExpired(layer);
            }
        }
        if let Some(refusal) = self.refusal() {
            return refusal;
        }
        if announces_maintenance(self) { PageError::Maintenance } else { PageError::Changed { page, missing } }
    }

    /// The refusal of a system that works: [`PageError::Closed`] with its words.
    pub(crate) fn refusal(&self) -> Option<PageError> {
        let popped_up = said::messages(self);
        let texts = popped_up.into_iter().chain(self.seen_texts().map(clean));
        texts.filter(|text| text.chars().count() <= MAX_REFUSAL).find_map(|text| {
            let reason = said::closed(&text)?;
            Some(PageError::Closed(reason, Said::new(&text)))
        })
    }

    /// Whether this is the login page of a system, or leads the browser there.
    pub(crate) fn is_login_page(&self, layer: Layer) -> bool {
        match layer {
            Layer::Vpn => self.has_vpn_login_form() || self.mentions("login_psw.csp") || self.mentions("svpn_name"),
            Layer::Urp => {
                (self.has_input("zjh") && self.has_input("mm"))
                    || (self.title_contains("URP") && self.title_contains("登录"))
                    || self.mentions("loginAction.do")
                    || self.shows("登录后再使用")
            }
            Layer::Library => {
                self.has_form_to("Login.aspx") || self.has_password_input() || self.mentions("OutLogin.aspx")
            }
            Layer::Physical => self.has_input("txtPassword") || self.has_password_input(),
            Layer::Repair => self.mentions("/Account/Login") || self.has_password_input(),
            Layer::Cas => self.has_input("lt") && self.has_input("execution"),
            Layer::Eams => self.mentions("loginExt.action") || self.has_password_input(),
            Layer::Jwglxt => {
                (self.has_input("csrftoken") && self.has_input("yhm"))
                    || self.has_password_input()
                    || self.elements("h5").any(|heading| text_of(heading) == "用户登录")
            }
        }
    }

    /// Whether the VPN's login form is on the page. A mere link to it does not count: the VPN's other pages may have
    /// one.
    pub(crate) fn has_vpn_login_form(&self) -> bool {
        self.has_input("svpn_name") || self.has_input("svpn_password")
    }

    /// Whether a form of the page has a password field.
    pub(crate) fn has_password_input(&self) -> bool {
        self.elements("input").any(|input| input.attr("type").is_some_and(|kind| kind.eq_ignore_ascii_case("password")))
    }
}

/// Whether an element is of that class.
pub(crate) fn has_class(element: ElementRef<'_>, class: &str) -> bool {
    element.value().classes().any(|name| name == class)
}

/// Whether an element or one around it is hidden, as far as attributes tell.
pub(crate) fn is_hidden(element: ElementRef<'_>) -> bool {
    let hides = |element: ElementRef<'_>| {
        let style = element.attr("style").unwrap_or_default();
        let hidden =
            element.attr("hidden").is_some() || style.replace(' ', "").to_ascii_lowercase().contains("display:none");
        hidden || matches!(element.value().name(), "script" | "style" | "noscript" | "template")
    };
    hides(element) || element.ancestors().filter_map(ElementRef::wrap).any(hides)
}

/// Whether a text contains a word of a maintenance notice.
pub(crate) fn speaks_of_maintenance(text: &str) -> bool {
    MAINTENANCE.iter().any(|word| text.contains(word))
}

fn announces_maintenance(page: &Page<'_>) -> bool {
    text_nodes(page.html.root_element()).any(speaks_of_maintenance)
}

/// The pieces of text below an element, in order; scripts and styles are not text.
pub(crate) fn text_nodes(element: ElementRef<'_>) -> impl Iterator<Item = &str> {
    pieces(element).filter_map(|piece| match piece {
        Piece::Text(text) => Some(text),
        Piece::Cell => None,
    })
}

/// A part of an element, in order.
enum Piece<'a> {
    /// The beginning of a table cell.
    Cell,
    /// Visible text.
    Text(&'a str),
}

fn pieces(element: ElementRef<'_>) -> impl Iterator<Item = Piece<'_>> {
    element.descendants().skip(1).filter_map(|node| match node.value() {
        Node::Element(part) if part.name() == "td" => Some(Piece::Cell),
        Node::Text(text) => {
            let parent = node.parent().and_then(ElementRef::wrap)?;
            let hidden = matches!(parent.value().name(), "script" | "style" | "noscript" | "template");
            (!hidden).then_some(Piece::Text(text))
        }
        _ => None,
    })
}

/// The text of an element as one clean line.
pub(crate) fn text_of(element: ElementRef<'_>) -> String {
    clean(&text_nodes(element).collect::<String>())
}

/// The text of a cell if it can be a label: short, and without a table inside. Stops early, because cells that hold a
/// whole page's layout are read too.
pub(crate) fn label_of(cell: ElementRef<'_>) -> Option<String> {
    let mut label = String::new();
    for piece in pieces(cell) {
        match piece {
            Piece::Text(text) if label.len() + text.trim().len() <= MAX_LABEL_BYTES => label.push_str(text.trim()),
            _ => return None,
        }
    }
    Some(clean(&label))
}

/// The rows of a table, without those of tables in its cells.
pub(crate) fn rows_of(table: ElementRef<'_>) -> impl Iterator<Item = ElementRef<'_>> {
    table.child_elements().filter(|part| matches!(part.value().name(), "tbody" | "thead" | "tfoot")).flat_map(|part| {
        // html5ever puts every row into a section, so a row is never a child of the table.
        part.child_elements().filter(|row| row.value().name() == "tr")
    })
}

/// The cells of a row.
pub(crate) fn cells_of(row: ElementRef<'_>) -> impl Iterator<Item = ElementRef<'_>> {
    row.child_elements().filter(|cell| matches!(cell.value().name(), "td" | "th"))
}

/// A table as text: its header and the rows below it.
pub(crate) struct Grid {
    columns: Vec<String>,
    /// The texts of the cells of each row below the header, without rows that only have a message or a rule across
    /// several columns.
    pub(crate) rows: Vec<Vec<String>>,
    /// How many rows each of these cells spans.
    pub(crate) spans: Vec<Vec<u16>>,
    /// The texts of the rows that were left out.
    pub(crate) messages: Vec<String>,
}

impl Grid {
    /// The first table of the page with a row that names all of `columns`.
    pub(crate) fn with_columns(page: &Page<'_>, columns: &[&str]) -> Option<Self> {
        Self::with_header(page, |names| columns.iter().all(|column| names.iter().any(|name| name == column)))
    }

    /// The first table of the page with a row whose cell texts satisfy `is_header`.
    pub(crate) fn with_header(page: &Page<'_>, is_header: impl Fn(&[String]) -> bool) -> Option<Self> {
        page.elements("table").find_map(|table| Self::of(table, &is_header))
    }

    fn of(table: ElementRef<'_>, is_header: impl Fn(&[String]) -> bool) -> Option<Self> {
        let mut rows = rows_of(table);
        let header = rows.by_ref().find_map(|row| {
            let names: Vec<String> = cells_of(row).map(|cell| label_of(cell).unwrap_or_default()).collect();
            is_header(&names).then_some(names)
        })?;
        let carries_a_message = |row| cells_of(row).count() < header.len() && cells_of(row).any(spans_columns);
        let (mut texts, mut spans, mut messages) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            if carries_a_message(row) {
                messages.push(text_of(row));
            } else if cells_of(row).next().is_some() {
                texts.push(cells_of(row).map(text_of).collect());
                spans.push(cells_of(row).map(rows_spanned).collect());
            }
        }
        Some(Self { columns: header, rows: texts, spans, messages })
    }

    /// The number of columns.
    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }

    /// The position of a column.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// The position of the first column whose name contains a word.
    pub(crate) fn column_like(&self, word: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.contains(word))
    }

    /// The rows as records of full width. A row that lost its `</tr><tr>` holds several records. `None` when the cells
    /// of a row do not divide evenly (the page was cut off in it).
    pub(crate) fn records(&self) -> Option<Vec<&[String]>> {
        let mut records = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            if row.len() % self.width() != 0 {
                return None;
            }
            records.extend(row.chunks(self.width()));
        }
        Some(records)
    }
}

fn rows_spanned(cell: ElementRef<'_>) -> u16 {
    cell.attr("rowspan").and_then(|span| span.trim().parse().ok()).unwrap_or(1).max(1)
}

fn spans_columns(cell: ElementRef<'_>) -> bool {
    cell.attr("colspan").is_some_and(|span| span.trim() != "1")
}

/// The values behind labels in a part of a page: `馆藏号：<span>C1</span>`, `<span>馆藏号：</span><span>C1</span>` or `馆藏号：C1`.
/// A label without a value in its cell has an empty text. `None` when no label is found.
/// Answers `None` when not a single one of the labels is there.
pub(crate) fn labelled<const N: usize>(element: ElementRef<'_>, labels: [&str; N]) -> Option<[String; N]> {
    let mut values = [const { String::new() }; N];
    let mut found = false;
    let mut waiting: Option<usize> = None;
    for piece in pieces(element) {
        let text = match piece {
            Piece::Cell => {
                waiting = None;
                continue;
            }
            Piece::Text(text) => clean(text),
        };
        if text.is_empty() {
            continue;
        }
        let label = super::split_label(&text)
            .and_then(|(label, value)| Some((labels.iter().position(|known| *known == label)?, value)));
        match (label, waiting.take()) {
            (Some((position, "")), _) => (found, waiting) = (true, Some(position)),
            (Some((position, value)), _) => {
                found = true;
                value.clone_into(&mut values[position]);
            }
            (None, Some(position)) => values[position] = text,
            (None, None) => {}
        }
    }
    found.then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(html: &str) -> Page<'_> {
        Page::parse(html).unwrap()
    }

    #[test]
    fn a_marker_in_a_comment_or_a_script_does_not_count() {
        assert!(!page("<!-- 选课结果 --><script>'选课结果'</script><style>选课结果</style>").shows("选课结果"));
        assert!(page("<title>学生选课结果</title>").shows("选课结果"));
        assert!(page("<b>&nbsp;选课结果(已安排时间地点)</b>").shows("选课结果"));
    }

    #[test]
    fn a_table_is_found_by_its_header_and_not_by_its_place() {
        let page = page(
            "<table><tr><td><table><tr><td>甲</td></tr></table></td><td>乙</td></tr></table>\
             <!-- <table><tr><th>甲</th><th>乙</th></tr><tr><td>0</td><td>0</td></tr></table> -->\
             <table><tr><td colspan=2>标题</td></tr><tr><th>甲<th>&nbsp;乙 <tr><td>1<td>2\u{a0}</table>",
        );
        let grid = Grid::with_columns(&page, &["乙", "甲"]).unwrap();
        assert_eq!(grid.column("乙"), Some(1));
        assert_eq!(grid.rows, [["1", "2"]]);
    }

    #[test]
    fn rows_of_tables_in_cells_are_not_rows_of_the_table() {
        let page = page("<table><tr><th>甲<tr><td><table><tr><td>里</table></table>");
        assert_eq!(Grid::with_columns(&page, &["甲"]).unwrap().rows, [["里"]]);
    }

    #[test]
    fn a_row_that_lost_its_end_is_split_and_a_torn_one_is_refused() {
        let page = page("<table><tr><th>甲<th>乙<tr><td>1<td>2<td>3<td>4</table>");
        assert_eq!(Grid::with_columns(&page, &["甲"]).unwrap().records().unwrap(), [["1", "2"], ["3", "4"]]);
        let page = self::page("<table><tr><th>甲<th>乙<tr><td>1<td>2<tr><td>3</table>");
        assert_eq!(Grid::with_columns(&page, &["甲"]).unwrap().records(), None);
    }

    #[test]
    fn a_message_across_the_columns_is_not_a_row() {
        let page = page("<table><tr><th>甲<th>乙<tr><td colspan='2'>没有记录</table>");
        assert_eq!(Grid::with_columns(&page, &["甲"]).unwrap().records().unwrap().len(), 0);
    }

    #[test]
    fn values_are_read_by_their_labels() {
        let page = page(
            "<div><span>可续借</span>馆藏号：<span> C1 </span>馆藏地:<span>&nbsp;</span>\
             <b>时间：</b><b>3:58</b><p>总分：78.5<p>别的：<i>x</i>\
             <table><tr><td>超期情况：<span>&nbsp;</span></td><td><a>续借</a></td></tr></table></div>",
        );
        let labels = ["馆藏地", "馆藏号", "时间", "总分", "超期情况"];
        let values = labelled(page.html.root_element(), labels).unwrap();
        assert_eq!(values, ["", "C1", "3:58", "78.5", ""]);
        assert_eq!(labelled(page.html.root_element(), ["责任者"]), None);
    }

    #[test]
    fn each_system_is_known_by_its_login_page() {
        let expired = |html: &str, layer| page(html).instead(layer, "urp-score", "the table");
        let vpn = PageError::SessionExpired(Layer::Vpn);
        assert_eq!(expired("<form><input name=svpn_name><input name=svpn_password></form>", Layer::Urp), vpn);
        assert_eq!(expired("<script>location.href='/por/login_psw.csp'</script>", Layer::Urp), vpn);
        let urp = PageError::SessionExpired(Layer::Urp);
        assert_eq!(expired("<title>URP 综合教务系统 - 登录</title>", Layer::Urp), urp);
        assert_eq!(expired("<form><input name=zjh><input name=mm></form>", Layer::Urp), urp);
        assert_eq!(
            expired("<form action='OutLogin.aspx?kind=2'></form>", Layer::Library),
            PageError::SessionExpired(Layer::Library)
        );
    }

    #[test]
    fn a_maintenance_notice_is_told_from_an_unknown_page() {
        let instead = |html: &str| page(html).instead(Layer::Urp, "urp-score", "the table");
        let changed = PageError::Changed { page: "urp-score", missing: "the table" };
        assert_eq!(instead("<h1>系统维护通知</h1>"), PageError::Maintenance);
        assert_eq!(instead("<h1>对不起，数据库忙，请稍后再试</h1>"), PageError::Maintenance);
        assert_eq!(instead("<h1>新版教务</h1>"), changed);
        assert_eq!(instead(""), changed);
    }
}
