//! Saved pages for tests, whole and damaged.

use std::ops::Range;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{decode_answer, detect};

/// The text of `tests/fixtures/<name>`, whatever its character set.
pub(crate) fn fixture(name: &str) -> String {
    text(&bytes(name))
}

/// The bytes of `tests/fixtures/<name>`.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text(bytes: &[u8]) -> String {
    decode_answer(bytes, None, detect(bytes)).expect("a fixture is small").into_owned()
}

/// One damage to a page.
#[derive(Debug, Clone)]
enum Injury {
    CutOff(Index),
    Delete(Index, Index),
    Duplicate(Index, Index),
    Overwrite(Index, u8),
    DeleteTag(Index),
    RepeatTag(Index),
}

fn injury() -> impl Strategy<Value = Injury> {
    let spot = any::<Index>;
    prop_oneof![
        1 => spot().prop_map(Injury::CutOff),
        2 => (spot(), spot()).prop_map(|(a, b)| Injury::Delete(a, b)),
        2 => (spot(), spot()).prop_map(|(a, b)| Injury::Duplicate(a, b)),
        3 => (spot(), any::<u8>()).prop_map(|(at, byte)| Injury::Overwrite(at, byte)),
        6 => spot().prop_map(Injury::DeleteTag),
        3 => spot().prop_map(Injury::RepeatTag),
    ]
}

/// The page with one to seven damages: cut off, or bytes and tags lost, doubled or overwritten.
pub(crate) fn mutilated(name: &str) -> impl Strategy<Value = String> + use<> {
    let page = bytes(name);
    vec(injury(), 1..8).prop_map(move |injuries| {
        let mut page = page.clone();
        for injury in injuries {
            injure(&mut page, &injury);
        }
        text(&page)
    })
}

fn injure(page: &mut Vec<u8>, injury: &Injury) {
    if page.is_empty() {
        return;
    }
    match injury {
        Injury::CutOff(at) => page.truncate(at.index(page.len())),
        Injury::Delete(a, b) => drop(page.drain(span(page, *a, *b))),
        Injury::Duplicate(a, b) => repeat(page, span(page, *a, *b)),
        Injury::Overwrite(at, byte) => {
            let at = at.index(page.len());
            page[at] = *byte;
        }
        Injury::DeleteTag(nth) => {
            if let Some(tag) = tag(page, *nth) {
                page.drain(tag);
            }
        }
        Injury::RepeatTag(nth) => {
            if let Some(tag) = tag(page, *nth) {
                repeat(page, tag);
            }
        }
    }
}

/// At most 400 bytes, so that most of the page stays as it was.
fn span(page: &[u8], a: Index, b: Index) -> Range<usize> {
    let start = a.index(page.len());
    start..(start + b.index(400)).min(page.len())
}

fn tag(page: &[u8], nth: Index) -> Option<Range<usize>> {
    let starts: Vec<usize> = (0..page.len()).filter(|&at| page[at] == b'<').collect();
    let start = *starts.get(nth.index(starts.len().max(1)))?;
    let length = page[start..].iter().position(|&byte| byte == b'>')? + 1;
    Some(start..start + length)
}

fn repeat(page: &mut Vec<u8>, range: Range<usize>) {
    let copy = page[range.clone()].to_vec();
    page.splice(range.end..range.end, copy);
}
