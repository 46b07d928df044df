//! Search for words in articles.

use mongodb::bson::{Document, doc};

/// Matches articles whose title or content has every one of `words`, ignoring case.
///
/// A scan in list order without an index: it ends when the page is full, at once for a common word. MongoDB's text
/// index knows no Chinese words, and an index of character pairs would have six million entries for ten thousand
/// articles (docs/ARCHITECTURE.md).
pub(super) fn with_words(words: &[String]) -> Document {
    let one = |word: &String| {
        let pattern = doc! { "$regex": escaped(word), "$options": "i" };
        doc! { "$or": [{ "title": pattern.clone() }, { "content": pattern }] }
    };
    if words.is_empty() {
        doc! {}
    } else {
        doc! { "$and": words.iter().map(one).collect::<Vec<_>>() }
    }
}

/// A pattern that matches exactly these characters.
fn escaped(word: &str) -> String {
    let mut pattern = String::with_capacity(word.len());
    for c in word.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_means_its_characters_and_no_pattern() {
        assert_eq!(with_words(&[]), doc! {});
        assert_eq!(escaped("C++ (二)|.*"), "C\\+\\+\\ \\(二\\)\\|\\.\\*");
    }
}
