use super::*;

fn link(key: &str) -> Link {
    let url = format!("http://news.example/{key}").parse().unwrap();
    Link { url, title: key.to_owned(), date: None }
}

/// An item about which nothing is stored.
fn item(key: &str) -> Listed {
    Listed {
        key: key.to_owned(),
        title: key.to_owned(),
        date: None,
        target: Ok(link(key)),
        page: 1,
        known: None,
        failure: None,
    }
}

fn stored(key: &str, run: i64) -> Listed {
    Listed { known: Some(KnownArticle { run: Some(run), file_hash: None }), ..item(key) }
}

fn failed(key: &str, run: i64) -> Listed {
    Listed { failure: Some(KnownFailure { attempts: 1, next: None, run, word: "down".to_owned() }), ..item(key) }
}

/// Walks through `pages`; `None` is an unreadable page. Returns the reach, the number of pages read and the keys.
fn walk(settled: Option<i64>, pages: &[Option<Vec<Listed>>]) -> (Reach, u32, Vec<String>) {
    let mut walk = Walk::new(settled, 100);
    let mut keys = Vec::new();
    loop {
        let page = match walk.next() {
            Ok(page) => page,
            Err(reach) => return (reach, walk.page - 1, keys),
        };
        match pages.get(page as usize - 1).cloned().unwrap_or(Some(Vec::new())) {
            Some(items) => keys.extend(walk.take(items).into_iter().map(|item| item.key)),
            None => walk.unreadable(),
        }
    }
}

const WHOLE: Reach = Reach { complete: true, whole: true };
const COMPLETE: Reach = Reach { complete: true, whole: false };
const GAP: Reach = Reach { complete: false, whole: false };

#[test]
fn a_first_walk_goes_to_the_end() {
    let pages = [Some(vec![item("d"), item("c")]), Some(vec![item("b"), item("a")])];
    let (reach, asked, keys) = walk(None, &pages);
    assert_eq!((reach, asked), (WHOLE, 4));
    assert_eq!(keys, ["d", "c", "b", "a"]);
}

#[test]
fn a_later_walk_ends_at_a_settled_page_but_looks_at_two() {
    let page = |a: &str, b: &str| Some(vec![stored(a, 3), failed(b, 2)]);
    let pages = [page("f", "e"), page("d", "c"), page("b", "a")];
    assert_eq!(walk(Some(3), &pages).0, COMPLETE);
    assert_eq!(walk(Some(3), &pages).1, 2);
    let pages =
        [Some(vec![item("h"), item("g")]), Some(vec![item("f2"), stored("f", 3)]), pages[1].clone(), pages[2].clone()];
    assert_eq!(walk(Some(3), &pages).1, 3);
}

#[test]
fn what_a_run_stored_that_was_killed_does_not_end_a_walk() {
    // Run 4 stored the newest pages and died; "b" was never reached.
    let pages = [
        Some(vec![stored("f", 4), stored("e", 4)]),
        Some(vec![stored("d", 4), stored("c", 4)]),
        Some(vec![item("b"), stored("a", 3)]),
        Some(vec![stored("9", 3), stored("8", 3)]),
    ];
    let (reach, asked, keys) = walk(Some(3), &pages);
    assert_eq!((reach, asked), (COMPLETE, 4));
    assert!(keys.contains(&"b".to_owned()));
    // The same when no run ever left nothing out.
    assert_eq!(walk(None, &pages).0, WHOLE);
}

#[test]
fn a_list_of_one_page_needs_no_second_look_for_its_end() {
    assert_eq!(walk(Some(1), &[Some(vec![stored("a", 1)])]), (COMPLETE, 2, vec!["a".to_owned()]));
}

#[test]
fn a_list_that_repeats_its_last_page_ends() {
    let last = Some(vec![item("b"), item("a")]);
    let pages = [Some(vec![item("d"), item("c")]), last.clone(), last.clone(), last];
    assert_eq!(walk(None, &pages), (WHOLE, 4, ["d", "c", "b", "a"].map(str::to_owned).to_vec()));
}

#[test]
fn a_list_that_moves_on_while_it_is_read_shows_nothing_twice_and_hides_nothing() {
    // Two articles came between the first page and the second, which now shows what was on the first.
    let pages = [Some(vec![item("d"), item("c")]), Some(vec![item("d"), item("c")]), Some(vec![item("b"), item("a")])];
    assert_eq!(walk(None, &pages).2, ["d", "c", "b", "a"]);
    assert_eq!(walk(None, &pages).0, WHOLE);
}

#[test]
fn a_page_that_cannot_be_read_or_is_empty_for_a_moment_leaves_a_gap() {
    let (front, back) = (Some(vec![item("d")]), Some(vec![item("a")]));
    for between in [None, Some(Vec::new())] {
        let (reach, _, keys) = walk(None, &[front.clone(), between, back.clone()]);
        assert_eq!(reach, GAP);
        assert_eq!(keys, ["d", "a"]);
    }
    let (reach, asked, _) = walk(None, &[front, None, None, None, back]);
    assert_eq!((reach, asked), (GAP, 4), "a list that stays broken is left alone");
}

#[test]
fn the_number_of_pages_is_bounded() {
    let mut walk = Walk::new(None, 3);
    for page in 1..=3 {
        assert_eq!(walk.next(), Ok(page));
        walk.take(vec![item(&page.to_string())]);
    }
    assert_eq!(walk.next(), Err(WHOLE));
}

#[test]
fn articles_are_fetched_when_new_or_recent_or_due() {
    let now: DateTime<Utc> = "2026-11-24T00:00:00Z".parse().unwrap();
    let on = |page: u32, item: Listed| Listed { page, ..item }.plan(now);
    assert_eq!(on(9, item("a")), Plan::Fetch);
    assert_eq!(on(2, stored("a", 1)), Plan::Fetch);
    assert_eq!(on(3, stored("a", 1)), Plan::Leave);
    let waiting = |next: &str| {
        let failure = KnownFailure { attempts: 1, next: Some(next.parse().unwrap()), run: 1, word: String::new() };
        Listed { failure: Some(failure), ..stored("a", 1) }
    };
    assert_eq!(on(1, waiting("2026-11-24T00:00:01Z")), Plan::Wait);
    assert_eq!(on(9, waiting("2026-11-24T00:00:00Z")), Plan::Fetch);
    // A link that leads elsewhere is recorded once.
    let refused = Listed { target: Err(Refusal::OtherHost), ..item("a") };
    assert_eq!(refused.plan(now), Plan::Refuse(Refusal::OtherHost));
    assert_eq!(Listed { target: Err(Refusal::OtherHost), ..failed("a", 1) }.plan(now), Plan::Wait);
}
