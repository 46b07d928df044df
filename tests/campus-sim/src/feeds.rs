//! What the news pages and the bulletin board publish. Items can be added, edited and removed while the simulator runs,
//! and each can misbehave by itself.

mod base64_bytes;
mod control;

use serde::{Deserialize, Serialize};

use crate::system::System;

/// An article in a list: news of the university or of logistics, or a notice of the bulletin board.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeedItem {
    /// Number in its address; one of its system.
    pub id: u32,
    /// Title, in the list and on its page.
    pub title: String,
    /// Day it appeared, `2017-12-01`; the list goes by it. One that is put with an empty date gets that of the newest.
    pub date: String,
    /// Who it is from; notices have no place for it.
    pub tag: String,
    /// Its text.
    pub paragraphs: Vec<String>,
    /// Addresses of its pictures, as they stand in the page.
    pub images: Vec<String>,
    /// What its address answers with.
    pub kind: FeedKind,
    /// An address that stands in the list in place of its own.
    pub link: Option<String>,
    /// How its address misbehaves.
    pub behaviour: Behaviour,
}

/// What an item is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FeedKind {
    /// A page.
    #[default]
    Html,
    /// A file; only the bulletin board has them.
    File {
        /// Its name: the last part of its address.
        name: String,
        /// Its content; base64 in JSON.
        #[serde(with = "base64_bytes")]
        bytes: Vec<u8>,
    },
}

/// How the address of one item misbehaves. A whole system does so with a [`crate::Fault`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Behaviour {
    /// It answers.
    #[default]
    Normal,
    /// It never answers; lasts until the client goes away.
    Hang,
    /// It redirects to itself.
    RedirectLoop,
    /// It redirects to this address, which is sent as it is.
    RedirectTo(String),
    /// Its page or file goes on for 1 GB. No length is announced.
    Huge,
    /// It answers 500.
    ServerError,
}

/// A lecture on the bulletin board.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lecture {
    /// Title; no two lectures have the same.
    pub title: String,
    /// Who speaks.
    pub speaker: String,
    /// When, `2017年12月1日 15:00`.
    pub time: String,
    /// Where.
    pub place: String,
    /// What it is about.
    pub content: String,
}

/// The items of one system, in the order of their arrival.
#[derive(Debug, Default)]
pub(crate) struct Feed(pub(crate) Vec<FeedItem>);

impl Feed {
    /// All items as the list shows them: the newest first; of one day, the one that arrived last.
    pub(crate) fn listed(&self) -> Vec<FeedItem> {
        let mut items: Vec<_> = self.0.iter().rev().cloned().collect();
        items.sort_by(|a, b| b.date.cmp(&a.date));
        items
    }

    /// The item with this id.
    pub(crate) fn find(&self, id: u32) -> Option<&FeedItem> {
        self.0.iter().find(|item| item.id == id)
    }

    /// Puts an item in the place of the one with the same id, or adds it. Answers whether it is new.
    fn put(&mut self, mut item: FeedItem) -> bool {
        if item.date.is_empty() {
            item.date = self.0.iter().map(|item| item.date.clone()).max().unwrap_or_else(|| "2017-12-01".to_owned());
        }
        let known = self.0.iter().position(|known| known.id == item.id);
        if let Some(index) = known {
            self.0[index] = item;
        } else {
            self.0.push(item);
        }
        known.is_none()
    }

    /// Removes an item; answers whether there was one.
    fn remove(&mut self, id: u32) -> bool {
        let before = self.0.len();
        self.0.retain(|item| item.id != id);
        self.0.len() < before
    }
}

/// Everything that is published.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    pub(crate) news: Feed,
    pub(crate) logistics: Feed,
    pub(crate) bulletin: Feed,
    /// In page order.
    pub(crate) lectures: Vec<Lecture>,
}

impl Feeds {
    /// The items of a system; an explanation when it publishes nothing.
    pub(crate) fn of(&mut self, system: System) -> Result<&mut Feed, String> {
        match system {
            System::News => Ok(&mut self.news),
            System::Logistics => Ok(&mut self.logistics),
            System::Bulletin => Ok(&mut self.bulletin),
            other => Err(format!("{other} publishes nothing; news, logistics and bulletin do")),
        }
    }
}

/// What is wrong with an item for that system, if anything.
fn check(system: System, item: &FeedItem) -> Result<(), String> {
    match &item.kind {
        FeedKind::File { .. } if system != System::Bulletin => {
            Err(format!("files are published by bulletin, not by {system}"))
        }
        FeedKind::File { name, .. } if name.is_empty() || name.contains(['/', '?', '#', '%']) => {
            Err(format!("a file's name is part of its address; '{name}' cannot be"))
        }
        FeedKind::Html | FeedKind::File { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Behaviour, Feed, FeedItem, FeedKind, check};
    use crate::system::System;

    fn item(id: u32, date: &str) -> FeedItem {
        FeedItem { id, date: date.to_owned(), ..FeedItem::default() }
    }

    fn ids(feed: &Feed) -> Vec<u32> {
        feed.listed().iter().map(|item| item.id).collect()
    }

    #[test]
    fn a_new_item_is_the_newest_unless_its_date_says_otherwise() {
        let mut feed = Feed::default();
        for (id, date) in [(5, "2017-12-01"), (3, "2017-11-30"), (1, ""), (9, "2017-11-01")] {
            assert!(feed.put(item(id, date)));
        }
        assert_eq!(ids(&feed), [1, 5, 3, 9]);
        assert!(!feed.put(item(5, "2017-12-01")), "an edited item keeps its place");
        assert_eq!(ids(&feed), [1, 5, 3, 9]);
        assert!(feed.remove(3) && !feed.remove(3));
        assert_eq!(ids(&feed), [1, 5, 9]);
    }

    #[test]
    fn an_item_is_read_from_the_json_it_is_shown_as() {
        let file = FeedKind::File { name: "7.doc".to_owned(), bytes: vec![0xd0, 0xcf, 0] };
        let behaviour = Behaviour::RedirectTo("http://127.0.0.1/".to_owned());
        let item = FeedItem { kind: file, behaviour, ..item(7, "2017-12-01") };
        let json = serde_json::to_value(&item).unwrap();
        assert_eq!(json["kind"]["file"]["bytes"], "0M8A");
        assert_eq!(json["behaviour"]["redirectTo"], "http://127.0.0.1/");
        assert_eq!(serde_json::from_value::<FeedItem>(json).unwrap(), item);
        assert!(serde_json::from_str::<FeedItem>(r#"{"titel":""}"#).is_err());
    }

    #[test]
    fn files_are_for_the_bulletin_board_and_have_a_plain_name() {
        let file = |name: &str| FeedItem {
            kind: FeedKind::File { name: name.to_owned(), bytes: Vec::new() },
            ..FeedItem::default()
        };
        assert_eq!(check(System::Bulletin, &file("7.doc")), Ok(()));
        assert!(check(System::News, &file("7.doc")).unwrap_err().contains("news"));
        assert!(check(System::Bulletin, &file("../7.doc")).is_err());
    }
}
