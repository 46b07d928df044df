//! Feedback as the text of an issue. The repository is public and the issue belongs to its owner: nothing that a
//! student writes may mention a person, refer to another issue, or become markup.

use std::fmt::Write;

use url::Url;

/// Longest title, in characters.
const MAX_TITLE: usize = 80;

/// A picture uploaded to this service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Picture {
    /// Its address.
    Link(Url),
    /// Its path, when the address of the service is not known.
    Path(String),
}

/// A student's feedback.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The student's text.
    pub content: String,
    /// Name and value of each fact about device and version, as the client sent it.
    pub facts: Vec<(&'static str, String)>,
    /// Pictures on this service.
    pub images: Vec<Picture>,
    /// Labels of the issue.
    pub labels: Vec<String>,
}

impl Report {
    /// The first line, at most `MAX_TITLE` characters, without anything that GitHub turns into a link or a mention.
    #[must_use]
    pub fn title(&self) -> String {
        let lines = self.content.lines().map(plain);
        let first = lines.map(|line| line.trim().to_owned()).find(|line| !line.is_empty()).unwrap_or_default();
        let mut title: String = first.chars().take(MAX_TITLE).collect();
        if title.len() < first.len() {
            title.pop();
            title.push('…');
        }
        if title.is_empty() { "用户反馈".to_owned() } else { title }
    }

    /// The text of the issue. The student's words are in fenced blocks, in which GitHub finds no mentions and
    /// references.
    #[must_use]
    pub fn body(&self) -> String {
        let mut body = fenced(&self.content);
        if !self.images.is_empty() {
            body.push_str("\n图片：\n\n");
            for image in &self.images {
                // Writing to a String does not fail.
                let _ = match image {
                    Picture::Link(url) => writeln!(body, "- <{url}>"),
                    Picture::Path(path) => writeln!(body, "- `{path}`"),
                };
            }
        }
        if !self.facts.is_empty() {
            let facts: Vec<String> = self.facts.iter().map(|(name, fact)| format!("{name}：{fact}")).collect();
            body.push('\n');
            body.push_str(&fenced(&facts.join("\n")));
        }
        body
    }
}

/// `text` in a fenced block that it cannot end: the fence is longer than any run of backticks in it (Markdown's
/// specification, §4.5).
fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{text}\n{fence}\n")
}

/// A line for a title, which has no fences. Characters that begin a mention (`@name`), a reference (`#1`, `GH-1`,
/// `owner/name#1`) or an address (`https://`) become full-width ones, which look alike and mean nothing. Invisible
/// characters are removed.
fn plain(line: &str) -> String {
    let shown = line.chars().filter(|c| !c.is_control() && !is_invisible(*c));
    let wide: String = shown
        .map(|c| match c {
            '@' => '＠',
            '#' => '＃',
            '`' => '\'',
            c => c,
        })
        .collect();
    let mut text = wide.replace("://", "：//");
    for at in find_ignoring_case(&text, "gh-").into_iter().rev() {
        text.replace_range(at + 2..at + 3, "－");
    }
    for at in find_ignoring_case(&text, "www.").into_iter().rev() {
        text.replace_range(at + 3..at + 4, "．");
    }
    text
}

/// Zero-width characters, and those that change the direction of writing.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The positions of `word` (ASCII, lower case) in `text`, in bytes.
fn find_ignoring_case(text: &str, word: &str) -> Vec<usize> {
    text.to_ascii_lowercase().match_indices(word).map(|(at, _)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(content: &str) -> Report {
        Report { content: content.to_owned(), ..Report::default() }
    }

    #[test]
    fn the_text_cannot_leave_its_fence_whatever_backticks_it_has() {
        for content in ["plain", "```\n@all\n```", "a ````` b", "`````\n", "~~~\n@all"] {
            let body = report(content).body();
            let mut lines = body.lines();
            let fence = lines.next().unwrap().strip_suffix("text").unwrap();
            assert!(fence.len() >= 3 && fence.bytes().all(|b| b == b'`'));
            assert!(!content.contains(fence), "{content}");
            assert_eq!(lines.next_back().unwrap(), fence);
            assert!(lines.all(|line| !line.trim().starts_with(fence)));
        }
    }

    #[test]
    fn what_the_client_says_of_itself_is_fenced_too_and_pictures_are_links() {
        let report = Report {
            content: "打不开".to_owned(),
            facts: vec![("昵称", "@torvalds ```".to_owned()), ("机型", "HUAWEI #1".to_owned())],
            images: vec![
                Picture::Link(Url::parse("https://wehpu.example/files/a.png").unwrap()),
                Picture::Path("/files/b.png".to_owned()),
            ],
            labels: Vec::new(),
        };
        assert_eq!(
            report.body(),
            "```text\n打不开\n```\n\n图片：\n\n- <https://wehpu.example/files/a.png>\n- `/files/b.png`\n\n````text\n昵称：@torvalds ```\n机型：HUAWEI #1\n````\n"
        );
    }

    #[test]
    fn a_title_mentions_nobody_and_refers_to_nothing() {
        for (content, title) in [
            ("课表打不开", "课表打不开"),
            ("\n  \n 第二行才有字\n其余", "第二行才有字"),
            ("@torvalds 看看 a/b#1 和 #2、gh-3、GH-4", "＠torvalds 看看 a/b＃1 和 ＃2、gh－3、GH－4"),
            ("见 https://evil.example/x 和 www.evil.example", "见 https：//evil.example/x 和 www．evil.example"),
            ("`code` \u{202e}abc\u{200b}@\u{200b}x", "'code' abc＠x"),
            ("\u{200b}\n", "用户反馈"),
        ] {
            assert_eq!(report(content).title(), title);
        }
    }

    #[test]
    fn a_long_first_line_is_cut_to_a_title() {
        let title = report(&"字".repeat(200)).title();
        assert_eq!(title.chars().count(), 80);
        assert!(title.ends_with('…'));
        assert_eq!(report(&"字".repeat(80)).title(), "字".repeat(80));
    }
}
