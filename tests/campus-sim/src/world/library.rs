//! The library's catalogue and loans.

use super::people;
use crate::rng::Rng;
use crate::student::Loan;

/// How many books the catalogue has.
const BOOKS: u32 = 400;

/// First book's catalogue id.
const FIRST_ID: u32 = 260_100_000;

/// A book of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    /// Catalogue id, ten digits.
    pub id: String,
    /// Title.
    pub title: String,
    /// Call number (索书号).
    pub call_number: String,
    /// Author (责任者).
    pub author: String,
    /// Publisher (出版社); may be empty.
    pub publisher: String,
    /// Copies the library has.
    pub copies: Vec<Copy>,
}

/// One copy of a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// Where it stands.
    pub place: String,
    /// Shelf, printed right behind the place; may be empty.
    pub shelf: String,
    /// Bar code.
    pub bar_code: String,
    /// Number of the copy (馆藏号).
    pub number: String,
    /// Lent on and due on, when it is out.
    pub lent: Option<(String, String)>,
}

const SUBJECTS: [(&str, &str); 10] = [
    ("Rust程序设计", "TP312RU"),
    ("操作系统概念", "TP316"),
    ("地质学", "P5"),
    ("矿山压力与控制", "TD32"),
    ("高等代数", "O15"),
    ("唐诗选读", "I222.742"),
    ("物流管理", "F252"),
    ("消防工程", "TU998.1"),
    ("遥感导论", "TP7"),
    ("机械原理", "TH111"),
];
const FORMS: [&str; 8] = ["", "导论", "(第2版)", " & 实践", "习题集", ": 方法与案例", "教程", "精要"];
const PUBLISHERS: [&str; 6] = ["清流出版社", "北山大学出版社", "云台科技出版社", "太行教育出版社", "沁河书局", ""];
const PLACES: [&str; 4] = ["南校区科技库", "南校区社科库", "北校区综合库", "南校区样本库"];

fn date(rng: &mut Rng, month: u32) -> String {
    format!("2017-{month:02}-{:02}", rng.between(1, 28))
}

fn invent(seed: u64, index: u32) -> Book {
    let id = format!("{:010}", FIRST_ID + index);
    let mut rng = Rng::of(seed, "book", &id);
    let (subject, class) = *rng.pick(&SUBJECTS);
    let copies = (0..rng.between(1, 4))
        .map(|_| Copy {
            place: (*rng.pick(&PLACES)).to_owned(),
            shelf: if rng.chance(40) { format!("({}架)", rng.between(1, 60)) } else { String::new() },
            bar_code: format!("{:08}", rng.between(0, 9_999_999)),
            number: copy_number(&mut rng),
            lent: rng.chance(35).then(|| (date(&mut rng, 10), date(&mut rng, 12))),
        })
        .collect();
    Book {
        title: format!("{subject}{}", rng.pick(&FORMS)),
        call_number: format!(
            "{class}/{}{}",
            char::from(b'A' + u8::try_from(rng.below(26)).unwrap_or(0)),
            rng.between(100, 999)
        ),
        author: format!("{}{}", people::name(&mut rng), rng.pick(&["编著", "主编", "著", "译"])),
        publisher: (*rng.pick(&PUBLISHERS)).to_owned(),
        copies,
        id,
    }
}

fn copy_number(rng: &mut Rng) -> String {
    format!("C{:07}", rng.between(1_000_000, 9_999_999))
}

/// Books whose title contains `words`, ignoring case.
pub(super) fn find(seed: u64, words: &str) -> Vec<Book> {
    let words = words.trim().to_lowercase();
    (0..BOOKS).map(|index| invent(seed, index)).filter(|book| book.title.to_lowercase().contains(&words)).collect()
}

/// The book with this id.
pub(super) fn book(seed: u64, id: &str) -> Option<Book> {
    let index = id.parse::<u32>().ok()?.checked_sub(FIRST_ID)?;
    (index < BOOKS).then(|| invent(seed, index)).filter(|book| book.id == id)
}

/// Up to four books on loan.
pub(super) fn invent_loans(seed: u64, rng: &mut Rng) -> Vec<Loan> {
    (0..rng.between(0, 4))
        .map(|_| {
            let book = invent(seed, rng.between(0, BOOKS - 1));
            let renewals = u8::try_from(rng.below(3)).unwrap_or(0);
            Loan {
                book_id: book.id,
                title: book.title,
                copy_number: copy_number(rng),
                place: (*rng.pick(&PLACES)).to_owned(),
                renewals,
                lent_on: date(rng, 10),
                due_on: date(rng, 12),
                overdue: if rng.chance(80) { "未超期" } else { "" }.to_owned(),
                renewable: renewals == 0,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{book, find};

    #[test]
    fn a_found_book_is_found_again_by_its_id() {
        let found = find(1, "rust");
        assert!(found.len() > 5);
        assert_eq!(book(1, &found[0].id).as_ref(), Some(&found[0]));
        assert_eq!(book(1, "1"), None);
    }
}
