use std::time::Duration;

use mongodb::bson::Timestamp;
use tokio::time::{Instant, advance};

use super::*;
use crate::store::coherence::ClusterMoment;

impl Kept for String {
    fn bytes(&self) -> usize {
        self.len()
    }
}

fn key(name: &str) -> Key {
    Key { kind: "users", name: name.to_owned(), subject: name.to_owned() }
}

/// A cache with a lease of an hour.
fn leased() -> Cache {
    let cache = Cache::new(1 << 20);
    cache.validity().extend_lease(Instant::now() + Duration::from_hours(1));
    cache
}

fn keep(cache: &Cache, name: &str, value: &str) {
    let ticket = cache.ticket(name);
    cache.keep(&key(name), &Arc::new(value.to_owned()), &ticket);
}

fn current(cache: &Cache, name: &str) -> Option<String> {
    cache.current::<String>(&key(name)).map(|value| String::clone(&value))
}

fn last_resort(cache: &Cache, name: &str) -> Option<String> {
    cache.last_resort::<String>(&key(name)).map(|found| String::clone(&found.value))
}

fn moment(time: u32) -> ClusterMoment {
    ClusterMoment { at: Timestamp { time, increment: 0 }, clock: None }
}

#[tokio::test(start_paused = true)]
async fn a_write_makes_what_is_kept_of_its_subject_invalid_and_nothing_else() {
    let cache = leased();
    keep(&cache, "a", "1");
    keep(&cache, "b", "1");
    cache.validity().note_end("a", "w", Some(moment(7)));
    assert_eq!((current(&cache, "a"), last_resort(&cache, "a")), (None, None));
    assert_eq!(current(&cache, "b").as_deref(), Some("1"));
    assert_eq!(cache.ticket("a").after.unwrap().at.time, 7, "the next read waits for the write");
    keep(&cache, "a", "2");
    assert_eq!(current(&cache, "a").as_deref(), Some("2"));
}

#[tokio::test(start_paused = true)]
async fn what_was_read_before_a_write_is_not_kept_after_it() {
    let cache = leased();
    let ticket = cache.ticket("a");
    cache.validity().note_end("a", "w", Some(moment(1)));
    cache.keep(&key("a"), &Arc::new("read before".to_owned()), &ticket);
    assert_eq!((current(&cache, "a"), last_resort(&cache, "a")), (None, None));
}

#[tokio::test(start_paused = true)]
async fn without_a_lease_what_is_kept_is_only_the_last_resort() {
    let cache = Cache::new(1 << 20);
    keep(&cache, "a", "1");
    assert_eq!((current(&cache, "a"), last_resort(&cache, "a").as_deref()), (None, Some("1")));
    cache.validity().extend_lease(Instant::now() + Duration::from_secs(1));
    assert_eq!(current(&cache, "a"), None, "read before the lease");
    keep(&cache, "a", "2");
    assert_eq!(current(&cache, "a").as_deref(), Some("2"));
    advance(Duration::from_millis(500)).await;
    cache.validity().extend_lease(Instant::now() + Duration::from_secs(1));
    assert_eq!(current(&cache, "a").as_deref(), Some("2"), "extended in time");
    advance(Duration::from_secs(1)).await;
    assert_eq!(current(&cache, "a"), None, "ended");
    cache.validity().extend_lease(Instant::now() + Duration::from_secs(1));
    assert_eq!((current(&cache, "a"), last_resort(&cache, "a").as_deref()), (None, Some("2")), "there was a gap");
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_read_again_after_a_while_and_is_the_last_resort_for_an_hour() {
    let cache = Cache::new(1 << 20);
    cache.validity().extend_lease(Instant::now() + Duration::from_hours(3));
    keep(&cache, "a", "1");
    advance(CURRENT).await;
    assert_eq!((current(&cache, "a"), last_resort(&cache, "a").as_deref()), (None, Some("1")));
    advance(LAST_RESORT).await;
    assert_eq!(last_resort(&cache, "a"), None);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_was_removed_keeps_nothing_not_even_what_is_being_read() {
    let cache = leased();
    keep(&cache, "a", "1");
    let ticket = cache.ticket("b");
    cache.forget_everything();
    cache.keep(&key("b"), &Arc::new("read before".to_owned()), &ticket);
    assert!(!cache.validity().is_leased());
    assert_eq!((last_resort(&cache, "a"), last_resort(&cache, "b")), (None, None));
}

#[tokio::test(start_paused = true)]
async fn more_writes_than_can_be_remembered_make_everything_invalid_and_later_reads_wait_for_the_latest() {
    let cache = leased();
    keep(&cache, "a", "1");
    for number in 0..=20_000 {
        cache.validity().note_end(&number.to_string(), "w", Some(moment(100 + number)));
    }
    assert_eq!((current(&cache, "a"), last_resort(&cache, "a")), (None, None));
    assert!(cache.ticket("17").after.unwrap().at.time >= 117, "at least as late as its own write");
}

#[tokio::test(start_paused = true)]
async fn it_takes_no_more_than_its_size_and_removes_what_nobody_can_be_shown() {
    let cache = Cache::new(10_000);
    cache.validity().extend_lease(Instant::now() + Duration::from_hours(3));
    for number in 0..100 {
        keep(&cache, &number.to_string(), &"x".repeat(1000));
    }
    let entries = cache.entries.as_ref().unwrap();
    assert!(entries.weight() <= 10_000 && entries.len() >= 5, "{} in {}", entries.weight(), entries.len());
    (0..100).for_each(|number| cache.validity().note_end(&number.to_string(), "w", None));
    cache.tidy();
    assert_eq!(entries.len(), 0);
}

#[test]
fn a_cache_of_no_size_is_off() {
    let cache = Cache::new(0);
    keep(&cache, "a", "1");
    assert!(!cache.is_on() && last_resort(&cache, "a").is_none());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_current_and_no_second_member_is_asked_early_while_a_write_is_under_way() {
    let cache = leased();
    keep(&cache, "a", "1");
    cache.validity().note_begin("a", "first");
    cache.validity().note_begin("a", "second");
    assert_eq!(current(&cache, "a"), None);
    assert!(!cache.ticket("a").is_told && cache.ticket("b").is_told);
    keep(&cache, "a", "read meanwhile");
    cache.validity().note_end("a", "first", Some(moment(1)));
    keep(&cache, "a", "read meanwhile");
    assert_eq!(current(&cache, "a"), None, "the second one is still under way");
    cache.validity().note_end("a", "second", Some(moment(2)));
    assert_eq!(current(&cache, "a"), None, "what was read meanwhile may be from before");
    keep(&cache, "a", "2");
    assert_eq!(current(&cache, "a").as_deref(), Some("2"));
    assert!(cache.ticket("a").is_told);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_nobody_ends_has_ended_after_a_while() {
    let cache = leased();
    cache.validity().note_begin("a", "its engine is killed");
    keep(&cache, "a", "read meanwhile");
    advance(Duration::from_mins(2)).await;
    cache.tidy();
    assert_eq!(current(&cache, "a"), None);
    keep(&cache, "a", "2");
    assert_eq!(current(&cache, "a").as_deref(), Some("2"));
}
