//! `wehpu-engine replset init` on a set that runs.

use mongodb::bson::doc;

use crate::support::{replica_set_uri, run_engine, setup};

#[tokio::test]
async fn init_finds_a_set_that_is_there_and_changes_nothing() {
    setup()
        .run(async |app| {
            for _ in 0..2 {
                let done = run_engine(&["replset", "init", "--election-timeout", "1s", "--wait", "30s"], &app.settings)
                    .await
                    .succeeded();
                assert!(done.stdout.contains("exists") && done.stdout.contains("primary is"), "{done:?}");
            }
        })
        .await;
}

#[tokio::test]
async fn init_gives_a_set_that_is_there_the_settings_of_elections() {
    setup()
        .run(async |app| {
            run_engine(&["replset", "init", "--election-timeout", "1s", "--wait", "30s"], &app.settings)
                .await
                .succeeded();
            let admin = app.db.database().client().database("admin");
            let answer = admin.run_command(doc! { "replSetGetConfig": 1 }).await.unwrap();
            let settings = answer.get_document("config").unwrap().get_document("settings").unwrap();
            let number =
                |name: &str| settings.get_i32(name).map(i64::from).or_else(|_| settings.get_i64(name)).unwrap();
            assert_eq!(number("electionTimeoutMillis"), 1000);
            assert_eq!(number("catchUpTimeoutMillis"), 200);
            assert_eq!(number("heartbeatIntervalMillis"), 250);
            assert_eq!(number("heartbeatTimeoutSecs"), 2);
            assert!(!settings.get_bool("chainingAllowed").unwrap());
        })
        .await;
}

#[tokio::test]
async fn init_refuses_a_set_with_other_members() {
    setup()
        .run(async |app| {
            let uri = replica_set_uri();
            let hosts = uri.trim_start_matches("mongodb://").split('/').next().unwrap();
            let (fewer, _) = hosts.rsplit_once(',').unwrap();
            let mut settings = app.settings.clone();
            settings.set("WEHPU_MONGODB_URI", &app.db.uri().replace(hosts, fewer));
            let refused =
                run_engine(&["replset", "init", "--election-timeout", "1s", "--wait", "30s"], &settings).await.failed();
            assert!(refused.stderr.contains("other members"), "{refused:?}");
        })
        .await;
}

#[tokio::test]
async fn init_refuses_a_set_of_another_name() {
    setup()
        .run(async |app| {
            let mut settings = app.settings.clone();
            let uri = app.db.uri();
            let (_, name) = uri.split_once("replicaSet=").unwrap();
            let name = name.split('&').next().unwrap();
            settings.set("WEHPU_MONGODB_URI", &uri.replace(&format!("replicaSet={name}"), "replicaSet=another"));
            run_engine(&["replset", "init", "--wait", "5s"], &settings).await.failed();
        })
        .await;
}

#[tokio::test]
async fn init_gives_up_on_members_that_do_not_come() {
    setup()
        .run(async |app| {
            let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let mut settings = app.settings.clone();
            settings.set("WEHPU_MONGODB_URI", &format!("mongodb://engine:hunter2@{nowhere}/wehpu?replicaSet=away"));
            let finished = run_engine(&["replset", "init", "--wait", "1s"], &settings).await.failed();
            assert!(finished.stderr.contains(&nowhere.to_string()), "{finished:?}");
            assert!(!format!("{finished:?}").contains("hunter2"), "{finished:?}");
        })
        .await;
}

#[tokio::test]
async fn init_with_a_key_file_that_cannot_be_read_says_so() {
    setup()
        .run(async |app| {
            let arguments = ["replset", "init", "--key-file", "/nonexistent/keyfile"];
            let finished = run_engine(&arguments, &app.settings).await.failed();
            assert!(finished.stderr.contains("/nonexistent/keyfile"), "{finished:?}");
        })
        .await;
}
