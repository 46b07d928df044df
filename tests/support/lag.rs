//! A secondary that lags behind: `TEST_LAG=yes make test` holds it back again and again while the tests run. Not the
//! default, because it takes twice as long. Each run meets other delays; every test must pass with all of them.

use std::{thread, time::Duration};

use mongodb::{
    Client,
    bson::{Document, doc},
    options::ClientOptions,
};

use super::{replica_set_uri, text_of};

/// How long the member is held back, in turn, and how long it may catch up after each, in milliseconds.
const HELD: [u64; 5] = [50, 400, 120, 300, 200];
const FREE: [u64; 3] = [20, 180, 80];

/// Holds a secondary back until the tests end, if `TEST_LAG` says so.
pub fn start_if_wanted() {
    if std::env::var("TEST_LAG").is_ok_and(|wanted| wanted == "yes") {
        // A thread of its own: each test's runtime ends with the test.
        thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(hold_back());
        });
    }
}

async fn hold_back() {
    let mut options = ClientOptions::parse(replica_set_uri()).await.unwrap();
    let hello = admin(&Client::with_options(options.clone()).unwrap(), doc! { "hello": 1 }).await;
    options.hosts.retain(|host| host.to_string() != text_of(&hello, "primary"));
    options.hosts.truncate(1);
    options.repl_set_name = None;
    options.direct_connection = Some(true);
    let secondary = Client::with_options(options).unwrap();
    for (held, free) in HELD.iter().cycle().zip(FREE.iter().cycle()) {
        // Replication waits; readers get the earlier data.
        admin(&secondary, doc! { "fsync": 1, "lock": true }).await;
        tokio::time::sleep(Duration::from_millis(*held)).await;
        admin(&secondary, doc! { "fsyncUnlock": 1 }).await;
        tokio::time::sleep(Duration::from_millis(*free)).await;
    }
}

async fn admin(client: &Client, command: Document) -> Document {
    client.database("admin").run_command(command).await.unwrap()
}
