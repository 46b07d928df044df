//! Looking for words in articles.

use mongodb::bson::{Document, doc};

/// The articles whose title or content has every one of `words`, upper and lower case being the same.
///
/// A scan in the order of the list: it ends as soon as the page is full, which for a word that is common is at once, and
/// needs no index. MongoDB's text index knows no Chinese words; an index of the pairs of characters of ten thousand
/// articles has six million entries on each member (docs/ARCHITECTURE.md).
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

/// A pattern that means these very characters.
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
