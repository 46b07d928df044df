//! `school pages`: the kept copies of campus pages that nobody understood.

use std::fmt::Write;

use secrecy::ExposeSecret;

use super::{super::print, Failure};
use crate::{
    changed_pages,
    config::{self, read_school_pages},
    crypto::KeyRing,
    store::{Store, wait_for_primary},
};

/// How long to wait for a primary.
const WAIT: std::time::Duration = std::time::Duration::from_secs(10);

/// List the kept copies of campus pages that were not understood, or print one.
///
/// With `WEHPU_KEEP_CHANGED_PAGES=on` engines keep them for a day, without what tells whose page it was. The list has a
/// line for each: id, page, system, time, bytes, and what was not found on it. A copy is printed so that
/// `wehpu-engine parse <page> -` reads it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The id of a copy in the list
    id: Option<String>,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (mongodb, keys) = read_school_pages(config::environment()?)?;
    let store = Store::connect(mongodb.uri.expose_secret(), "wehpu-engine school pages").await?;
    wait_for_primary(&store, WAIT).await?;
    let Some(id) = args.id else { return list(&store).await };
    let keys = KeyRing::new(&keys).ok_or("WEHPU_CREDENTIAL_KEYS holds no usable key")?;
    let copy = store.changed_pages.find(&id).await?.ok_or("no copy has this id; each is kept for a day only")?;
    print(changed_pages::open(&keys, &copy)?.expose_secret())
}

async fn list(store: &Store) -> Result<(), Failure> {
    let copies = store.changed_pages.list().await?;
    if copies.is_empty() {
        eprintln!("no copy is kept; engines keep some with WEHPU_KEEP_CHANGED_PAGES=on");
    }
    let mut text = String::new();
    for copy in copies {
        let at = copy.at().format("%FT%TZ");
        let (id, page, system, bytes, missing) = (&copy.id, &copy.page, &copy.system, copy.bytes, &copy.missing);
        let _ = writeln!(text, "{id}\t{page}\t{system}\t{at}\t{bytes}\t{missing}");
    }
    print(&text)
}
