//! The spider against the simulated campus: what it collects, what it leaves, what it survives.

mod board;
mod charset;
mod command;
mod hostile;
mod life;
mod runs;
mod store;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use campus_sim::System;
use mongodb::bson::Document;
use tokio_util::sync::CancellationToken;
use wehpu_engine::{
    config::{Reader, SpiderConfig},
    feeds::{JOBS, Job, Ran, Spider, report::Watch},
    store::{LastRun, RunOutcome},
};

use crate::support::{Settings, TestApp, text_of};

/// What a spider needs to work on the simulator, without polite pauses.
fn settings(settings: &mut Settings) {
    settings
        .set("WEHPU_PUBLIC_URL", "https://wehpu.example")
        .set("WEHPU_BULLETIN_STUDENT_ID", "311509000000")
        .set("WEHPU_BULLETIN_VPN_PASSWORD", "vpn-000000")
        .set("WEHPU_SPIDER_PAUSE", "0s")
        // Nothing here is slow unless a test wants it so.
        .set("WEHPU_CAMPUS_TIMEOUT", "2s");
}

/// A spider in process, with the time of the test.
async fn spider(app: &TestApp) -> Spider {
    let config = SpiderConfig::read(Reader::new(app.settings.vars())).unwrap();
    Spider::new(config, app.clock.clone()).await.unwrap()
}

/// A run of one job: how it ended, and what was told of each item, as `new 标题`.
async fn run(spider: &Spider, job: Job) -> (LastRun, Vec<String>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let teller = told.clone();
    let watch: Watch = Box::new(move |item| {
        let why = item.what.why().map(|why| format!(" ({why})")).unwrap_or_default();
        teller.lock().unwrap().push(format!("{}{why} {}", item.what.word(), item.title));
    });
    match spider.once(job, &CancellationToken::new(), &watch).await.unwrap() {
        Ran::Ended(last) => (last, std::mem::take(&mut *told.lock().unwrap())),
        other => panic!("{other:?}"),
    }
}

/// A run of one job that leaves nothing out.
async fn collected(spider: &Spider, job: Job) -> LastRun {
    let (last, told) = run(spider, job).await;
    assert_eq!(last.outcome, RunOutcome::Done, "{last:?} {told:#?}");
    last
}

fn system(job: Job) -> System {
    match job {
        Job::News => System::News,
        Job::Logistics => System::Logistics,
        Job::Bulletin => System::Bulletin,
    }
}

/// The collection of the articles of a job that stand behind links.
fn collection(job: Job) -> &'static str {
    match job {
        Job::News => "news",
        Job::Logistics => "logistics",
        Job::Bulletin => "notices",
    }
}

/// What is stored of a job, as date and title.
async fn stored(app: &TestApp, job: Job) -> Vec<(String, String)> {
    let all = app.db.all(collection(job)).await;
    let keys: BTreeSet<&str> = all.iter().map(|article| text_of(article, "key")).collect();
    assert_eq!(keys.len(), all.len(), "two of them are one");
    let mut articles: Vec<_> = all.iter().map(|article| (text_of(article, "key").to_owned(), title(article))).collect();
    articles.sort();
    articles
}

fn title(article: &Document) -> String {
    text_of(article, "title").to_owned()
}

/// Fails unless what is stored is what the source has, each item once.
async fn assert_all_there(app: &TestApp) {
    for job in JOBS {
        let mut titles: Vec<String> = stored(app, job).await.into_iter().map(|(_, title)| title).collect();
        let mut wanted: Vec<String> = app.sim.feed_items(system(job)).into_iter().map(|item| item.title).collect();
        titles.sort();
        wanted.sort();
        assert_eq!(titles, wanted, "{}", job.name());
    }
    let mut lectures: Vec<String> = app.db.all("lectures").await.iter().map(title).collect();
    let mut wanted: Vec<String> = app.sim.lectures().into_iter().map(|lecture| lecture.title).collect();
    lectures.sort();
    wanted.sort();
    assert_eq!(lectures, wanted);
}

/// The stored article with this title.
async fn article(app: &TestApp, job: Job, wanted: &str) -> Document {
    let all = app.db.all(collection(job)).await;
    all.into_iter().find(|article| text_of(article, "title") == wanted).unwrap_or_else(|| panic!("{wanted}"))
}

/// Word and attempts of each recorded failure, by title.
async fn failures(app: &TestApp) -> Vec<(String, String, i32)> {
    let all = app.db.all("failures").await;
    let mut failures: Vec<_> = all
        .iter()
        .map(|failure| {
            let word = text_of(failure, "word").to_owned();
            (title(failure), word, failure.get_i32("attempts").unwrap())
        })
        .collect();
    failures.sort();
    failures
}
