//! Articles that were stored in a wrong character set.

use mongodb::bson::doc;
use wehpu_engine::feeds::{JOBS, Job};

use super::{assert_all_there, collected, collection, settings, spider};
use crate::support::{TestApp, setup, text_of};

/// UTF-8 read as GBK, as it was done before.
fn garbled(text: &str) -> String {
    encoding_rs::GBK.decode(text.as_bytes()).0.into_owned()
}

/// Writes every article of a collection in a wrong character set.
async fn garble(app: &TestApp, collection: &str) {
    for article in app.db.all(collection).await {
        let text = |name: &str| garbled(text_of(&article, name));
        let mut set = doc! { "title": text("title"), "content": text("content") };
        if collection == "lectures" {
            set.insert("key", garbled(text_of(&article, "key")));
        }
        let id = doc! { "_id": article.get_object_id("_id").unwrap() };
        app.db.collection(collection).update_one(id, doc! { "$set": set }).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_stored_in_a_wrong_character_set_is_mended_by_the_next_run_wherever_it_stands() {
    setup()
        .settings(settings)
        .run(async |app| {
            let spider = spider(app).await;
            for job in JOBS {
                collected(&spider, job).await;
            }
            assert_all_there(app).await;
            for collection in [collection(Job::News), collection(Job::Logistics), collection(Job::Bulletin), "lectures"]
            {
                garble(app, collection).await;
            }
            for job in JOBS {
                collected(&spider, job).await;
            }
            assert_all_there(app).await;
        })
        .await;
}
