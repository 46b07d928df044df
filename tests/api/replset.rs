//! `wehpu-engine replset init` on a set that runs.

use std::collections::BTreeSet;

use mongodb::{
    Database,
    bson::{Document, doc},
};
use wehpu_engine::{
    config::{Mongodb, Reader},
    store::replset::Plan,
};

use crate::support::{Settings, replica_set_uri, run_engine, setup, text_of};

/// A connection string of this user.
fn uri_as(uri: &str, user: &str) -> String {
    uri.replace("mongodb://", &format!("mongodb://{user}:password-of-{user}@"))
}

/// What `replset init` would set up with these three users.
async fn plan(uri: &str, users: [&str; 3]) -> Result<Plan, String> {
    let mut settings = Settings::default();
    let names = ["WEHPU_MONGODB_URI", "WEHPU_MIGRATE_MONGODB_URI", "WEHPU_SPIDER_MONGODB_URI"];
    for (name, user) in names.into_iter().zip(users) {
        settings.set(name, &uri_as(uri, user));
    }
    let mongodb = Mongodb::read(Reader::new(settings.vars())).unwrap();
    Plan::new(&mongodb, Some("content of a key file")).await.map_err(|e| e.to_string())
}

/// What the user of this database may do: pairs of a collection and an action.
async fn may(db: &Database, user: &str) -> BTreeSet<(String, String)> {
    let answer = db.run_command(doc! { "usersInfo": user, "showPrivileges": true }).await.unwrap();
    let users = answer.get_array("users").unwrap();
    assert_eq!(users.len(), 1, "{answer}");
    let privileges = users[0].as_document().unwrap().get_array("inheritedPrivileges").unwrap();
    let pairs = privileges.iter().flat_map(|privilege| {
        let privilege: &Document = privilege.as_document().unwrap();
        let resource = privilege.get_document("resource").unwrap();
        assert_eq!(text_of(resource, "db"), db.name(), "{resource}");
        let collection = resource.get_str("collection").unwrap().to_owned();
        let actions = privilege.get_array("actions").unwrap().iter();
        actions.map(move |action| (collection.clone(), action.as_str().unwrap().to_owned()))
    });
    pairs.collect()
}

#[tokio::test]
async fn the_spiders_user_writes_its_own_collections_and_reads_no_account() {
    setup()
        .run(async |app| {
            let db = app.db.database();
            let admin = db.client().database("admin");
            let plan = plan(&app.db.uri(), ["engine", "migrate", "spider"]).await.unwrap();
            plan.ensure_users(&admin, |_| {}).await.unwrap();
            let before = may(db, "spider").await;
            let collections: BTreeSet<&str> = before.iter().map(|(collection, _)| collection.as_str()).collect();
            let own = ["news", "logistics", "lectures", "notices", "schedulers", "failures"];
            let files = ["files", "fs.files", "fs.chunks"];
            assert_eq!(collections, own.into_iter().chain(files).chain(["migrations"]).collect());
            for collection in own.into_iter().chain(files) {
                for action in ["find", "insert", "update"] {
                    assert!(before.contains(&(collection.to_owned(), action.to_owned())), "{action} {collection}");
                }
            }
            let schema: Vec<_> = before.iter().filter(|(collection, _)| collection == "migrations").collect();
            assert_eq!(schema, [&("migrations".to_owned(), "find".to_owned())]);

            // Run again it takes back what somebody has given to the role.
            let accounts = doc! { "resource": { "db": db.name(), "collection": "users" }, "actions": ["find"] };
            let grant = doc! { "grantPrivilegesToRole": "wehpuSpider", "privileges": [accounts] };
            db.run_command(grant).await.unwrap();
            assert_ne!(may(db, "spider").await, before);
            plan.ensure_users(&admin, |_| {}).await.unwrap();
            assert_eq!(may(db, "spider").await, before);
            assert!(may(db, "engine").await.contains(&(String::new(), "find".to_owned())), "the engine reads all");
            for command in ["dropAllUsersFromDatabase", "dropAllRolesFromDatabase"] {
                db.run_command(doc! { command: 1 }).await.unwrap();
            }
        })
        .await;
}

#[tokio::test]
async fn init_refuses_two_connection_strings_of_one_user() {
    let refused = plan("mongodb://nowhere/wehpu?replicaSet=away", ["engine", "migrate", "engine"]).await.unwrap_err();
    assert!(refused.contains("different users") && !refused.contains("password-of"), "{refused}");
}

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
async fn status_names_the_primary_and_how_far_the_others_are_behind() {
    setup()
        .run(async |app| {
            let printed = run_engine(&["replset", "status"], &app.settings).await.succeeded();
            let lines: Vec<&str> = printed.stdout.lines().collect();
            assert_eq!(lines.len(), 3, "{printed:?}");
            assert_eq!(lines.iter().filter(|line| line.ends_with("  primary")).count(), 1, "{printed:?}");
            assert_eq!(lines.iter().filter(|line| line.ends_with(" s behind")).count(), 2, "{printed:?}");
            let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let mut settings = app.settings.clone();
            settings.set("WEHPU_MONGODB_URI", &format!("mongodb://{nowhere}/wehpu?replicaSet=away"));
            let away = run_engine(&["replset", "status"], &settings).await.failed();
            assert!(away.stdout.contains("away") && away.stderr.contains("no primary"), "{away:?}");
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
