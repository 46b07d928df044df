//! The students whose data is read: one who really logged in, bound and fetched the course table, and copies of him
//! under other numbers.

use std::{fmt::Write, time::Duration};

use campus_sim::CampusSim;
use mongodb::{
    Database,
    bson::{Document, doc, oid::ObjectId},
    options::{Acknowledgment, WriteConcern},
};
use reqwest::Client;
use serde_json::Value;
use wehpu_engine::{clock::Clock, tokens::Tokens};

use crate::{Failure, engine::Engine, report::Case};

/// Most students who send requests. More would measure the memory of the load generator.
const ASKING: usize = 40_000;

/// Students who ask again and again, as on a morning before the first lesson: what is about them fits into the memory of
/// one engine.
const FEW: usize = 1_000;

/// Of ten requests of a day so many are of the few.
const OF_FEW: usize = 9;

/// Number of articles.
const ARTICLES: usize = 2_000;

/// Documents per insert command.
const BATCH: usize = 1_000;

/// How long the tokens are valid: longer than a bench.
const VALID: Duration = Duration::from_hours(12);

/// Who sends the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Everybody in turn: hardly anything is in memory.
    All,
    /// A few: everything is in memory.
    Few,
    /// Most requests are of few, as on a day at a university.
    Day,
}

/// A database full of students.
pub struct School {
    /// WeChat id, key of the course table and token of each student who sends requests.
    asking: Vec<(String, String, String)>,
}

impl School {
    /// Fills `db`, which `engine` serves.
    pub async fn open(db: &Database, engine: &Engine, sim: &CampusSim, students: usize) -> Result<Self, Failure> {
        let (user, course) = first_student(db, engine, sim).await?;
        let (open_id, number) = (|i: usize| format!("bench-{i:09}"), |i: usize| format!("4{i:011}"));
        let term = course.get_str("term")?.to_owned();
        let table = |i: usize| format!("{}/{}/{term}", open_id(i), number(i));
        multiply(db, "users", students, |i| {
            let mut copy = user.clone();
            copy.extend(doc! { "_id": ObjectId::new(), "openId": open_id(i), "studentId": number(i) });
            copy
        })
        .await?;
        multiply(db, "courses", students, |i| {
            let mut copy = course.clone();
            copy.extend(doc! { "_id": table(i), "owner": { "openId": open_id(i), "studentId": number(i) } });
            copy
        })
        .await?;
        multiply(db, "news", ARTICLES, |i| {
            let published = mongodb::bson::DateTime::from_millis(1_500_000_000_000 + i64::try_from(i).unwrap_or(0) * 60_000);
            doc! {
                "key": i.to_string(), "title": format!("关于第{i}次会议的通知"), "time": "2017-07-14", "tag": "学校新闻",
                "content": "各学院、各部门：现将有关事项通知如下。".repeat(40), "publishedAt": published,
            }
        })
        .await?;
        let config = engine.config()?;
        let clock = Clock::system();
        let now = clock.now().timestamp_millis();
        let tokens = Tokens::new(&config.auth.jwt_secret, VALID, clock);
        let asking = (0..students).step_by(students.div_ceil(ASKING)).map(|i| {
            let token = tokens.issue(&open_id(i), "", now).map_err(|e| format!("no token: {e:?}"))?;
            Ok((open_id(i), table(i), token))
        });
        Ok(Self { asking: asking.collect::<Result<_, Failure>>()? })
    }

    /// The requests for the service, and the same for the reference.
    pub fn requests(&self, case: Case, who: Who) -> [String; 2] {
        let [mut own, mut minimal] = [String::new(), String::new()];
        let few = FEW.min(self.asking.len());
        let asking = (0..self.asking.len()).map(|i| match who {
            Who::Few => i % few,
            Who::Day if i % 10 < OF_FEW => i * 7 % few,
            Who::Day | Who::All => i,
        });
        for i in asking {
            let (open_id, table, token) = &self.asking[i];
            let start = i % 10 * 10;
            let (path, same) = match case {
                Case::User => ("/api/user".to_owned(), format!("/user/{open_id}")),
                Case::Course => ("/api/course".to_owned(), format!("/course/{table}")),
                Case::News => (format!("/api/rss/news?start={start}&count=10"), format!("/news/{start}")),
                Case::Calendar => ("/api/calendar".to_owned(), "/calendar".to_owned()),
            };
            let _ = writeln!(own, "{path} {token}");
            let _ = writeln!(minimal, "{same}");
        }
        [own, minimal]
    }
}

/// The documents of a student who logged in, bound and looked at the course table.
async fn first_student(db: &Database, engine: &Engine, sim: &CampusSim) -> Result<(Document, Document), Failure> {
    let (http, api, campus) = (Client::new(), &engine.api, sim.student_at(1));
    let login = http.post(format!("{api}/api/login")).form(&[("code", sim.wechat_code("first"))]);
    let answer: Value = login.send().await?.error_for_status()?.json().await?;
    let token = answer["data"]["token"].as_str().ok_or("a login gave no token")?;
    let bind =
        [("studentId", &campus.number), ("vpnPassWord", &campus.vpn_password), ("jwcPassWord", &campus.urp_password)];
    http.post(format!("{api}/api/bind")).bearer_auth(token).form(&bind).send().await?.error_for_status()?;
    http.get(format!("{api}/api/course")).bearer_auth(token).send().await?.error_for_status()?;
    let user = db.collection("users").find_one(doc! { "openId": "first" }).await?.ok_or("the student is not stored")?;
    let course = doc! { "owner.openId": "first" };
    let course = db.collection("courses").find_one(course).await?.ok_or("the course table is not stored")?;
    Ok((user, course))
}

/// Stores `count` documents; they are on all members when it returns.
async fn multiply(
    db: &Database,
    collection: &str,
    count: usize,
    document: impl Fn(usize) -> Document,
) -> Result<(), Failure> {
    let documents = db.collection::<Document>(collection);
    let everywhere = WriteConcern::builder().w(Acknowledgment::Nodes(3)).build();
    for begin in (0..count).step_by(BATCH) {
        let batch = (begin..count.min(begin + BATCH)).map(&document);
        documents.insert_many(batch).ordered(false).write_concern(everywhere.clone()).await?;
    }
    Ok(())
}
