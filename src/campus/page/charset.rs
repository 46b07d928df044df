//! The character set of a page: what the page itself says counts, and the default of its system only without that.

use std::borrow::Cow;

use encoding_rs::{BIG5, Encoding, GB18030, GBK, UTF_8, UTF_16BE, UTF_16LE};

use super::{MAX_PAGE_BYTES, PageEncoding, PageError, detect};

/// How far into a page a `<meta>` is searched, in bytes. Browsers search 1,024; some of these pages begin with scripts.
const META_WITHIN: usize = 8192;

/// Share of a text that must become Chinese when its GBK bytes are read as UTF-8, in per cent of its bytes, before the
/// text counts as garbled. A lost byte spoils its neighbours; of a correct text almost nothing becomes Chinese.
const GARBLED: usize = 60;

/// Turns an answer into text: by its byte order mark, then the charset of its `content-type`, then that of its
/// `<meta>`, then as UTF-8 if that is valid, and only then by `default`.
///
/// Headers lie, so the first of these that fits the whole page is used. If none fits, the first one is, and invalid
/// bytes become U+FFFD: one damaged name is no reason to refuse a table.
///
/// # Errors
/// [`PageError::TooLarge`].
pub fn decode_answer<'a>(
    bytes: &'a [u8],
    content_type: Option<&str>,
    default: PageEncoding,
) -> Result<Cow<'a, str>, PageError> {
    if bytes.len() > MAX_PAGE_BYTES {
        return Err(PageError::TooLarge);
    }
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return Ok(encoding.decode_without_bom_handling(&bytes[length..]).0);
    }
    let utf8 = (detect(bytes) == PageEncoding::Utf8).then_some(UTF_8);
    let named = [content_type.and_then(named_in), meta(bytes), utf8, Some(default.encoding())];
    let named: Vec<&'static Encoding> = named.into_iter().flatten().collect();
    let whole = named.iter().find_map(|encoding| encoding.decode_without_bom_handling_and_without_replacement(bytes));
    Ok(whole.unwrap_or_else(|| named[0].decode_without_bom_handling(bytes).0))
}

impl PageEncoding {
    fn encoding(self) -> &'static Encoding {
        match self {
            // The GBK decoder knows all of GB 18030.
            Self::Gbk => GBK,
            Self::Utf8 => UTF_8,
        }
    }
}

/// The charset in a `content-type`, if a Chinese page can have it: servers without a setting send `iso-8859-1`.
fn named_in(content_type: &str) -> Option<&'static Encoding> {
    let lower = content_type.to_ascii_lowercase();
    let (_, after) = lower.split_once("charset")?;
    let label = after.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let end = label.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.:".contains(c))).unwrap_or(label.len());
    let encoding = Encoding::for_label(&label.as_bytes()[..end])?;
    [UTF_8, GBK, GB18030, BIG5, UTF_16LE, UTF_16BE].contains(&encoding).then_some(encoding)
}

/// The charset in a `<meta>` of the page.
fn meta(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(META_WITHIN)]).to_ascii_lowercase();
    let named = head.split("<meta").skip(1).find_map(|rest| named_in(rest.split('>').next().unwrap_or_default()));
    // A page whose `<meta>` can be read as bytes is not UTF-16.
    named.filter(|encoding| encoding.is_ascii_compatible())
}

/// The original of Chinese text in UTF-8 that was read as GBK; lost characters are U+FFFD. `None` for any other text.
#[must_use]
pub fn ungarbled(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        let mut buffer = [0; 4];
        let (encoded, _, lost) = GBK.encode(c.encode_utf8(&mut buffer));
        bytes.extend_from_slice(if lost { b"\xFF" } else { &encoded });
    }
    let before = String::from_utf8_lossy(&bytes).into_owned();
    let is_chinese = |c: &char| {
        // Ideographs, their punctuation, full-width forms, and quotation marks and dashes that Chinese text uses too.
        matches!(c, '\u{3000}'..='\u{9FFF}' | '\u{FF00}'..='\u{FFEF}' | '\u{2010}'..='\u{2026}')
    };
    let chinese = before.chars().filter(is_chinese);
    let (chinese, foreign) = (chinese.count() * 3, bytes.iter().filter(|byte| !byte.is_ascii()).count());
    (chinese >= 6 && chinese * 100 >= foreign * GARBLED).then_some(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "<p>题目：选课结果</p>";

    fn gbk() -> Vec<u8> {
        GBK.encode(TEXT).0.into_owned()
    }

    fn with_meta(charset: &str, body: &[u8]) -> Vec<u8> {
        [
            format!("<html><head><META http-equiv=Content-Type content='text/html; charset={charset}'></head>")
                .as_bytes(),
            body,
        ]
        .concat()
    }

    fn read(bytes: &[u8], content_type: Option<&str>, default: PageEncoding) -> String {
        decode_answer(bytes, content_type, default).unwrap().into_owned()
    }

    #[test]
    fn a_page_that_says_utf8_is_utf8_whatever_its_system_is_used_to() {
        assert_eq!(read(TEXT.as_bytes(), Some("text/html; charset=utf-8"), PageEncoding::Gbk), TEXT);
        assert_eq!(read(TEXT.as_bytes(), Some("text/html"), PageEncoding::Gbk), TEXT, "valid UTF-8");
        let page = with_meta("utf-8", TEXT.as_bytes());
        assert!(read(&page, None, PageEncoding::Gbk).ends_with(TEXT));
        assert_eq!(read(&gbk(), Some("text/html;charset=\"GB2312\""), PageEncoding::Utf8), TEXT);
        assert!(read(&with_meta("gbk", &gbk()), None, PageEncoding::Utf8).ends_with(TEXT));
        assert_eq!(read(&gbk(), None, PageEncoding::Gbk), TEXT);
    }

    #[test]
    fn the_mark_goes_before_the_header_and_the_header_before_the_meta() {
        let marked = [b"\xEF\xBB\xBF", TEXT.as_bytes()].concat();
        assert_eq!(read(&marked, Some("text/html; charset=gbk"), PageEncoding::Gbk), TEXT);
        let page = with_meta("gbk", TEXT.as_bytes());
        assert!(read(&page, Some("text/html; charset=UTF-8"), PageEncoding::Gbk).ends_with(TEXT));
    }

    #[test]
    fn gb18030_is_read_as_such_and_a_header_that_cannot_be_right_is_passed_over() {
        let rare = "<p>㐀𠀀</p>";
        let bytes = GB18030.encode(rare).0;
        assert_eq!(read(&bytes, Some("text/html; charset=gb18030"), PageEncoding::Utf8), rare);
        assert_eq!(read(&bytes, None, PageEncoding::Gbk), rare);
        assert_eq!(read(&gbk(), Some("text/html; charset=utf-8"), PageEncoding::Gbk), TEXT);
        assert_eq!(read(&gbk(), Some("text/html; charset=iso-8859-1"), PageEncoding::Gbk), TEXT);
        assert_eq!(
            read(b"<script charset=utf-8></script>\xD0", None, PageEncoding::Gbk),
            "<script charset=utf-8></script>\u{FFFD}"
        );
    }

    #[test]
    fn text_that_was_read_in_a_wrong_character_set_is_known_and_other_text_is_left_alone() {
        let garble = |text: &str| GBK.decode(text.as_bytes()).0.into_owned();
        assert_eq!(garble("题目"), "棰樼洰");
        assert_eq!(ungarbled("棰樼洰").as_deref(), Some("题目"));
        let odd = ungarbled(&garble("关于放假的通知，请互相转告")).unwrap();
        assert!(odd.starts_with("关于放假"), "{odd}");
        for title in ["“国际交流月”系列活动启动", "“本科教学月”系列活动启动", "我校召开学科建设工作推进会"]
        {
            assert!(ungarbled(&garble(title)).is_some(), "{title}");
            assert_eq!(ungarbled(title), None, "{title}");
        }
        for text in ["关于2017年国庆节放假的通知", "河南理工大学", "Notice 2017", "", "学术报告：鏁", "棰"]
        {
            assert_eq!(ungarbled(text), None, "{text}");
        }
    }
}
