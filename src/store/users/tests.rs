use super::*;

fn at(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap()
}

fn user(last_login: Option<i64>, valid_after: Option<i64>) -> User {
    let date = |millis: Option<i64>| millis.map(bson::DateTime::from_millis);
    User { last_login_at: date(last_login), tokens_valid_after: date(valid_after), ..User::default() }
}

#[test]
fn a_token_of_the_same_millisecond_counts_when_it_is_issued_after_the_logout_only() {
    let before = user(Some(1000), None);
    let token = before.next_token_at(1000);
    let after = user(Some(1000), Some(before.all_tokens_until(at(1000))));
    assert!(before.accepts_token_of(token) && !after.accepts_token_of(token));
    let next = after.next_token_at(1000);
    assert!(after.accepts_token_of(next));
    let twice = user(Some(1000), Some(after.all_tokens_until(at(1000))));
    assert!(!twice.accepts_token_of(next) && twice.accepts_token_of(twice.next_token_at(1000)));
}

#[test]
fn clocks_that_differ_neither_save_an_old_token_nor_spoil_a_new_one() {
    // Issued by a replica whose clock is 500 ms ahead, revoked by one that is right.
    let ahead = user(Some(1500), None);
    let token = ahead.next_token_at(1500);
    let revoked = user(Some(1500), Some(ahead.all_tokens_until(at(1001))));
    assert!(!revoked.accepts_token_of(token));
    // The next login is at the replica that is right.
    assert!(revoked.accepts_token_of(revoked.next_token_at(1002)));
}

#[test]
fn an_account_that_never_revoked_anything_takes_every_token() {
    assert!(user(Some(1000), None).accepts_token_of(0));
}
