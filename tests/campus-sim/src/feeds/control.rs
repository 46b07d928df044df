//! How tests change the feeds.

use std::collections::HashSet;

use super::{FeedItem, Lecture, check};
use crate::sim::Sim;
use crate::system::System;
use crate::world::lock;

impl Sim {
    /// The items of news, logistics or bulletin, in the order its list has them.
    ///
    /// # Panics
    /// When the system publishes nothing.
    #[must_use]
    pub fn feed_items(&self, system: System) -> Vec<FeedItem> {
        self.try_feed_items(system).unwrap_or_else(|why| panic!("{why}"))
    }

    /// Adds an item, or puts it in the place of the one with the same id. A new one is the newest, unless its date says
    /// otherwise.
    ///
    /// # Panics
    /// When the system publishes nothing, or not such items.
    pub fn put_feed_item(&self, system: System, item: FeedItem) {
        self.try_put_feed_item(system, item).unwrap_or_else(|why| panic!("{why}"));
    }

    /// Puts these items, given in the order the list shall have them within one day, in the place of all there are.
    ///
    /// # Panics
    /// When the system publishes nothing, or not such items, or two have the same id.
    pub fn set_feed_items(&self, system: System, items: Vec<FeedItem>) {
        self.try_set_feed_items(system, items).unwrap_or_else(|why| panic!("{why}"));
    }

    /// Changes an item; its id stays.
    ///
    /// # Panics
    /// When there is no such item, or the system does not publish what becomes of it.
    pub fn edit_feed_item(&self, system: System, id: u32, change: impl FnOnce(&mut FeedItem)) {
        let item = self.feed_items(system).into_iter().find(|item| item.id == id);
        let Some(mut item) = item else { panic!("{system} has no item {id}") };
        change(&mut item);
        self.put_feed_item(system, FeedItem { id, ..item });
    }

    /// Removes an item: it is gone from the list, and its address answers 404.
    ///
    /// # Panics
    /// When there is no such item.
    pub fn remove_feed_item(&self, system: System, id: u32) {
        assert_eq!(self.try_remove_feed_item(system, id), Ok(true), "{system} has no item {id}");
    }

    /// The lectures of the bulletin board, in page order.
    #[must_use]
    pub fn lectures(&self) -> Vec<Lecture> {
        lock(self.feeds()).lectures.clone()
    }

    /// Adds a lecture at the top, or puts it in the place of the one with the same title.
    pub fn put_lecture(&self, lecture: Lecture) {
        self.upsert_lecture(lecture);
    }

    /// Removes the lecture with this title.
    ///
    /// # Panics
    /// When there is no such lecture.
    pub fn remove_lecture(&self, title: &str) {
        assert!(self.try_remove_lecture(title), "there is no lecture '{title}'");
    }

    pub(crate) fn try_feed_items(&self, system: System) -> Result<Vec<FeedItem>, String> {
        lock(self.feeds()).of(system).map(|feed| feed.listed())
    }

    /// Answers whether the item is new.
    pub(crate) fn try_put_feed_item(&self, system: System, item: FeedItem) -> Result<bool, String> {
        check(system, &item)?;
        lock(self.feeds()).of(system).map(|feed| feed.put(item))
    }

    pub(crate) fn try_set_feed_items(&self, system: System, items: Vec<FeedItem>) -> Result<(), String> {
        items.iter().try_for_each(|item| check(system, item))?;
        let mut ids = HashSet::new();
        if let Some(twice) = items.iter().find(|item| !ids.insert(item.id)) {
            return Err(format!("there are two items with the id {}", twice.id));
        }
        let mut feeds = lock(self.feeds());
        let feed = feeds.of(system)?;
        feed.0.clear();
        // The last to arrive is listed first.
        items.into_iter().rev().for_each(|item| {
            feed.put(item);
        });
        Ok(())
    }

    /// Answers whether there was such an item.
    pub(crate) fn try_remove_feed_item(&self, system: System, id: u32) -> Result<bool, String> {
        lock(self.feeds()).of(system).map(|feed| feed.remove(id))
    }

    /// Answers whether the lecture is new.
    pub(crate) fn upsert_lecture(&self, lecture: Lecture) -> bool {
        let lectures = &mut lock(self.feeds()).lectures;
        let known = lectures.iter().position(|known| known.title == lecture.title);
        if let Some(index) = known {
            lectures[index] = lecture;
        } else {
            lectures.insert(0, lecture);
        }
        known.is_none()
    }

    /// Answers whether there was such a lecture.
    pub(crate) fn try_remove_lecture(&self, title: &str) -> bool {
        let lectures = &mut lock(self.feeds()).lectures;
        let before = lectures.len();
        lectures.retain(|lecture| lecture.title != title);
        lectures.len() < before
    }
}
