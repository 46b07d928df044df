//! The text of an article without its markup, and its images.

use std::collections::HashSet;

use scraper::{ElementRef, Node};
use url::Url;

use crate::campus::page::clean;

/// The text of `element`, one paragraph per line, without scripts, styles and empty paragraphs.
pub(in crate::campus) fn paragraphs_of(element: ElementRef<'_>) -> String {
    let mut text = Text::default();
    let mut next = element.first_child();
    while let Some(node) = next {
        text.enter(node.value(), node.parent().is_some_and(|parent| is(parent.value(), "pre")));
        let below = node.first_child().filter(|_| !is_hidden(node.value()));
        // No recursion: a page may be nested very deeply.
        let (mut at, mut behind) = (node, below);
        while behind.is_none() && at.id() != element.id() {
            text.leave(at.value());
            behind = at.next_sibling();
            match at.parent() {
                Some(parent) => at = parent,
                None => break,
            }
        }
        next = behind;
    }
    text.finish()
}

/// Addresses of the images below `element`, each once. `resolve` makes an address of the page's text.
pub(in crate::campus) fn images_of(element: ElementRef<'_>, resolve: impl Fn(&str) -> Option<Url>) -> Vec<Url> {
    let mut seen = HashSet::new();
    let sources = element.descendent_elements().filter(|part| part.value().name() == "img");
    let urls = sources.filter_map(|image| resolve(image.attr("src")?.trim()));
    urls.filter(|url| matches!(url.scheme(), "http" | "https") && seen.insert(url.clone())).collect()
}

#[derive(Default)]
struct Text {
    lines: Vec<String>,
    line: String,
}

impl Text {
    fn enter(&mut self, node: &Node, preformatted: bool) {
        match node {
            Node::Text(text) if preformatted => {
                let mut pieces = text.split('\n');
                self.line.push_str(pieces.next().unwrap_or_default());
                for piece in pieces {
                    self.break_line();
                    self.line.push_str(piece);
                }
            }
            Node::Text(text) => self.line.push_str(text),
            node if is(node, "br") || is_block(node) => self.break_line(),
            _ => {}
        }
    }

    fn leave(&mut self, node: &Node) {
        if is_block(node) {
            self.break_line();
        } else if is(node, "td") || is(node, "th") {
            self.line.push(' ');
        }
    }

    fn break_line(&mut self) {
        let line = clean(&std::mem::take(&mut self.line));
        if !line.is_empty() {
            self.lines.push(line);
        }
    }

    fn finish(mut self) -> String {
        self.break_line();
        self.lines.join("\n")
    }
}

fn is(node: &Node, name: &str) -> bool {
    node.as_element().is_some_and(|element| element.name() == name)
}

fn is_hidden(node: &Node) -> bool {
    node.as_element().is_some_and(|part| matches!(part.name(), "script" | "style" | "noscript" | "template"))
}

/// Whether text before and after it is on separate lines.
fn is_block(node: &Node) -> bool {
    node.as_element().is_some_and(|part| {
        matches!(
            part.name(),
            "address"
                | "article"
                | "blockquote"
                | "center"
                | "dd"
                | "div"
                | "dl"
                | "dt"
                | "fieldset"
                | "figcaption"
                | "figure"
                | "h1"
                | "h2"
                | "h3"
                | "h4"
                | "h5"
                | "h6"
                | "hr"
                | "li"
                | "ol"
                | "p"
                | "pre"
                | "section"
                | "table"
                | "tr"
                | "ul"
        )
    })
}

#[cfg(test)]
mod tests {
    use scraper::Html;

    use super::*;

    fn text(html: &str) -> String {
        paragraphs_of(Html::parse_document(html).root_element())
    }

    #[test]
    fn paragraphs_are_kept_and_markup_within_them_is_not() {
        let html = "<div>首\r\n  行<p>&nbsp;&nbsp;<b>第</b>一<span style='x'>段</span></p><p>&nbsp;</p>第二段<br/><br>第三段\
                    <ul><li>甲</li><li>乙</ul>末</div>尾";
        assert_eq!(text(html), "首 行\n第一段\n第二段\n第三段\n甲\n乙\n末\n尾");
    }

    #[test]
    fn cells_of_a_row_stand_on_one_line() {
        assert_eq!(text("<table><tr><td>时间<td>地点<tr><td>周一<td>一号楼</table>"), "时间 地点\n周一 一号楼");
    }

    #[test]
    fn lines_of_preformatted_text_are_kept() {
        assert_eq!(text("<pre>甲\r\n乙\n\n丙</pre>"), "甲\n乙\n丙");
    }

    #[test]
    fn scripts_styles_and_comments_are_no_text() {
        let html = "<style>p{}</style><p>正文<script>var a='<p>';</script><!-- 注 --><noscript>无</noscript>。</p>";
        assert_eq!(text(html), "正文。");
    }

    #[test]
    fn deep_nesting_is_no_trouble() {
        assert_eq!(text(&format!("{}深", "<div>".repeat(5_000))), "深");
    }

    #[test]
    fn images_are_web_addresses_each_once() {
        let base = Url::parse("http://news.example/a/b.html").unwrap();
        let html = Html::parse_document(
            "<img src='/upload/1.jpg'><img><img src=' 2.png '><img src=/upload/1.jpg><img src='data:image/png;base64,AA'>\
             <img src='https://cdn.example/3.gif'><img src='file:///C:/4.jpg'>",
        );
        let images = images_of(html.root_element(), |src| base.join(src).ok());
        let images: Vec<_> = images.iter().map(Url::as_str).collect();
        assert_eq!(
            images,
            ["http://news.example/upload/1.jpg", "http://news.example/a/2.png", "https://cdn.example/3.gif"]
        );
    }
}
