//! What the spider keeps in the database: leases with a fence, articles, failures, files that are stored once.

use std::time::Duration;

use futures_util::future::join_all;
use mongodb::bson::{Document, doc};
use wehpu_engine::{
    model::Class,
    objects::{FileType, Label, Objects},
    store::{Article, Claim, Counts, Ended, Failure, LastRun, Put, Run, RunOutcome, Scheduler, Schedulers, StoreError},
};

use crate::support::{TestApp, eventually, setup};

const LONG: Duration = Duration::from_mins(1);

async fn claim(app: &TestApp, claim: Claim, runner: &str, ttl: Duration) -> Option<Run> {
    let now = app.clock.now();
    schedulers(app).claim("news", claim, (Some(now), now), (runner, ttl)).await.unwrap()
}

fn schedulers(app: &TestApp) -> &Schedulers {
    &app.replicas[0].app.store.schedulers
}

async fn state(app: &TestApp) -> Scheduler {
    schedulers(app).find("news").await.unwrap()
}

fn ended(app: &TestApp) -> Ended {
    let counts = Counts { seen: 3, new: 2, ..Counts::default() };
    Ended {
        last: LastRun { ended_at: app.clock.now(), millis: 5, outcome: RunOutcome::Done, why: None, counts },
        settled: true,
        whole: true,
        rejected: false,
        retry_at: None,
        newest_at: Some(app.clock.now()),
    }
}

fn article(content: &str) -> Article {
    Article {
        key: "http://news.example/contents/1.html".to_owned(),
        title: "标题".to_owned(),
        time: "2017-12-01".to_owned(),
        content: content.to_owned(),
        images: vec!["http://news.example/1.jpg".to_owned()],
        ..Article::default()
    }
}

async fn put(app: &TestApp, article: &Article, run: i64) -> Put {
    app.replicas[0].app.store.articles.put_in_run(Class::News, article, run, app.clock.now()).await.unwrap()
}

#[tokio::test]
async fn of_many_spiders_one_gets_a_job_and_no_other_runs_it_for_the_same_time() {
    setup()
        .run(async |app| {
            let names: Vec<String> = (0..8).map(|n| format!("spider-{n}")).collect();
            let claims = join_all(names.iter().map(|name| claim(app, Claim::Due, name, LONG))).await;
            let runs: Vec<Run> = claims.into_iter().flatten().collect();
            assert_eq!(runs.len(), 1);
            assert!(state(app).await.holder.is_some_and(|holder| names.contains(&holder)));
            assert!(schedulers(app).end("news", runs[0].fence, &ended(app)).await.unwrap());
            assert!(claim(app, Claim::Due, "late", LONG).await.is_none(), "it was run for this time");
            assert!(claim(app, Claim::Now, "a person", LONG).await.is_some());
        })
        .await;
}

#[tokio::test]
async fn a_run_that_does_not_end_is_taken_over_and_then_changes_nothing_more() {
    setup()
        .run(async |app| {
            let dead = claim(app, Claim::Due, "dead", Duration::from_millis(1)).await.unwrap();
            let next = eventually("the lease to run out", async || claim(app, Claim::Due, "next", LONG).await).await;
            assert!(next.fence > dead.fence && next.state.unfinished);
            let before = app.db.all("schedulers").await;
            assert!(!schedulers(app).renew("news", dead.fence, LONG).await.unwrap());
            assert!(!schedulers(app).end("news", dead.fence, &ended(app)).await.unwrap());
            schedulers(app).release("news", dead.fence).await.unwrap();
            assert_eq!(app.db.all("schedulers").await, before);
            assert!(schedulers(app).renew("news", next.fence, LONG).await.unwrap());
        })
        .await;
}

#[tokio::test]
async fn a_lease_that_is_given_back_is_free_and_the_run_is_gone_on_with() {
    setup()
        .run(async |app| {
            let run = claim(app, Claim::Due, "first", LONG).await.unwrap();
            assert!(claim(app, Claim::Now, "second", LONG).await.is_none());
            schedulers(app).release("news", run.fence).await.unwrap();
            assert_eq!((state(app).await.holder, state(app).await.unfinished), (None, true));
            assert!(claim(app, Claim::Due, "second", LONG).await.is_some());
        })
        .await;
}

#[tokio::test]
async fn the_end_of_a_run_is_remembered_and_a_failed_job_is_tried_again_before_its_time() {
    setup()
        .run(async |app| {
            let run = claim(app, Claim::Due, "first", LONG).await.unwrap();
            let good = ended(app);
            assert!(schedulers(app).end("news", run.fence, &good).await.unwrap());
            let after = state(app).await;
            assert_eq!((after.last, after.settled, after.failures), (Some(good.last.clone()), Some(run.fence), 0));
            assert_eq!((after.new_at, after.success_at), (Some(app.clock.now()), Some(app.clock.now())));

            let run = claim(app, Claim::Now, "a person", LONG).await.unwrap();
            let soon = app.clock.now() + Duration::from_mins(15);
            let last = LastRun { outcome: RunOutcome::Failed, why: Some("news is down".to_owned()), ..good.last };
            let bad = Ended { last, settled: false, retry_at: Some(soon), ..good };
            assert!(schedulers(app).end("news", run.fence, &bad).await.unwrap());
            assert!(claim(app, Claim::Due, "early", LONG).await.is_none());
            assert_eq!(state(app).await.failures, 1);
            app.clock.advance(Duration::from_mins(15));
            let now = app.clock.now();
            let due = Some(now - Duration::from_hours(1));
            let run = schedulers(app).claim("news", Claim::Due, (due, now), ("again", LONG)).await.unwrap().unwrap();
            assert_eq!(run.state.settled, after.settled, "what was settled stays so");
        })
        .await;
}

#[tokio::test]
async fn a_password_that_was_refused_is_left_to_a_person() {
    setup()
        .run(async |app| {
            let run = claim(app, Claim::Due, "first", LONG).await.unwrap();
            let refused = Ended { rejected: true, ..ended(app) };
            assert!(schedulers(app).end("news", run.fence, &refused).await.unwrap());
            app.clock.advance(Duration::from_hours(48));
            assert!(claim(app, Claim::Due, "second", LONG).await.is_none());
            assert!(claim(app, Claim::Now, "a person", LONG).await.is_some());
            assert!(!state(app).await.rejected);
        })
        .await;
}

#[tokio::test]
async fn documents_of_the_old_service_are_left_alone() {
    setup()
        .run(async |app| {
            let old = doc! { "id": "news", "flag": "http://news.example/contents/1.html", "__v": 0 };
            app.db.collection("schedulers").insert_one(old.clone()).await.unwrap();
            let run = claim(app, Claim::Due, "first", LONG).await.unwrap();
            assert!(schedulers(app).end("news", run.fence, &ended(app)).await.unwrap());
            let left = app.db.collection("schedulers").find_one(old).await.unwrap();
            assert!(left.is_some_and(|document| document.len() == 4));
        })
        .await;
}

#[tokio::test]
async fn a_run_changes_no_article_that_a_later_one_wrote() {
    setup()
        .run(async |app| {
            assert_eq!(put(app, &article("一"), 1).await, Put::Inserted);
            assert_eq!(put(app, &article("一"), 3).await, Put::Unchanged);
            assert_eq!(put(app, &article("二"), 3).await, Put::Changed);
            let before = app.db.all("news").await;
            assert_eq!(put(app, &article("一"), 2).await, Put::Unchanged);
            assert_eq!(app.db.all("news").await, before);
            assert_eq!(before.len(), 1);
            assert_eq!(before[0].get_i64("run").unwrap(), 3);
        })
        .await;
}

#[tokio::test]
async fn an_edited_article_keeps_its_id_and_loses_what_it_no_longer_has() {
    setup()
        .run(async |app| {
            put(app, &article("$title"), 1).await;
            let id = |documents: &[Document]| documents[0].get_object_id("_id").unwrap();
            let first = app.db.all("news").await;
            let edited = Article { images: Vec::new(), tag: Some("宣传部".to_owned()), ..article("新") };
            assert_eq!(put(app, &edited, 2).await, Put::Changed);
            let second = app.db.all("news").await;
            assert_eq!((second.len(), id(&second)), (1, id(&first)));
            assert_eq!(first[0].get_str("content").unwrap(), "$title", "never read as an expression");
            assert!(!second[0].contains_key("images"));
            assert_eq!(second[0].get("timestamp"), first[0].get("timestamp"));
        })
        .await;
}

#[tokio::test]
async fn an_article_of_the_old_service_is_taken_for_the_same() {
    setup()
        .run(async |app| {
            let old = doc! { "title": "标题", "time": "2017-12-01", "content": "旧", "author": "宣传部" };
            let id = app.db.collection("news").insert_one(old).await.unwrap().inserted_id;
            assert_eq!(put(app, &article("新"), 1).await, Put::Changed);
            assert_eq!(put(app, &article("新"), 2).await, Put::Unchanged);
            let all = app.db.all("news").await;
            assert_eq!((all.len(), all[0].get("_id")), (1, Some(&id)));
            assert_eq!(all[0].get_i64("run").unwrap(), 1);
        })
        .await;
}

#[tokio::test]
async fn what_the_spider_looks_up_it_finds_by_an_index() {
    setup()
        .run(async |app| {
            put(app, &article("一"), 1).await;
            let keys = vec!["http://news.example/contents/1.html".to_owned(), "b".to_owned()];
            let now = app.clock.now();
            let failure = Failure {
                class: Class::News,
                key: keys[1].clone(),
                job: "news",
                title: "二".to_owned(),
                date: None,
                word: "down",
                next: Some(now),
            };
            let store = &app.replicas[0].app.store;
            store.failures.record(&failure, 1, now).await.unwrap();
            store.failures.record(&failure, 2, now).await.unwrap();
            assert_eq!(store.articles.known(Class::News, &keys).await.unwrap().len(), 1);
            let known = store.failures.known(Class::News, &keys).await.unwrap();
            assert_eq!((known["b"].attempts, known["b"].run), (2, 1));
            assert_eq!(store.failures.due("news", now, 10).await.unwrap().len(), 1);
            store.failures.forget(Class::News, "b").await.unwrap();
            assert_eq!(store.failures.count("news").await.unwrap(), 0);
            let searches = [
                doc! { "find": "news", "filter": { "key": { "$in": keys } } },
                doc! { "find": "news", "filter": { "key": { "$exists": false }, "title": "a", "time": { "$in": ["b", "c"] } } },
                doc! { "find": "failures", "filter": { "job": "news", "nextAt": { "$lte": mongodb::bson::DateTime::now() } } },
                doc! { "find": "files", "filter": { "hash": "00" } },
            ];
            for search in searches {
                let plan = app.db.database().run_command(doc! { "explain": search.clone() }).await.unwrap();
                let plan = plan.get_document("queryPlanner").unwrap().get_document("winningPlan").unwrap().to_string();
                assert!(plan.contains("IXSCAN") && !plan.contains("COLLSCAN"), "{search}: {plan}");
            }
        })
        .await;
}

async fn store(objects: &Objects, content: &'static [u8], hash: &str) -> String {
    let mut draft = objects.begin("service:spider").await.unwrap();
    draft.write(content.into()).await.unwrap();
    draft.commit_once(FileType::Pdf, Label::Notice, hash).await.unwrap().to_string()
}

#[tokio::test]
async fn the_same_content_is_stored_once_also_at_the_same_moment() {
    setup()
        .run(async |app| {
            let objects = &app.replicas[0].app.objects;
            let names = join_all((0..4).map(|_| store(objects, b"%PDF-1.4", "aa"))).await;
            assert!(names.windows(2).all(|pair| pair[0] == pair[1]), "{names:?}");
            assert_eq!(store(objects, b"%PDF-1.4", "aa").await, names[0]);
            assert_ne!(store(objects, b"%PDF-1.5", "bb").await, names[0]);
            assert_eq!(app.db.all("files").await.len(), 2);
            assert_eq!(app.db.all("fs.files").await.len(), 2);
            assert!(matches!(objects.of_hash("cc").await, Ok(None)));
            let deleted: Result<usize, _> = objects.delete_of("oWxTest000000000000000000001").await;
            assert_eq!(deleted.unwrap(), 0);
        })
        .await;
}

#[tokio::test]
async fn an_upload_of_a_student_is_never_taken_for_a_file_of_the_service() {
    setup()
        .run(async |app| {
            let objects = &app.replicas[0].app.objects;
            for _ in 0..2 {
                let mut draft = objects.begin("alice").await.unwrap();
                draft.write(b"%PDF-1.4".as_slice().into()).await.unwrap();
                draft.commit(FileType::Pdf, Label::Notice, Label::Misc).await.unwrap();
            }
            store(objects, b"%PDF-1.4", "aa").await;
            assert_eq!(objects.delete_of("alice").await.unwrap(), 2);
            assert_eq!(app.db.all("files").await.len(), 1);
            let duplicate: Result<_, StoreError> = app.replicas[0].app.store.files.of_hash("aa").await;
            assert!(duplicate.unwrap().is_some());
        })
        .await;
}
