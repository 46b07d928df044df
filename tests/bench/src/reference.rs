//! The reference: the least that a program on axum and the driver must do to answer from the same collections. No
//! checks, no log, no metrics.

use std::{process::Stdio, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use mongodb::{
    Client, Database,
    bson::{Bson, Document, doc},
};
use serde_json::json;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
};

use crate::{Failure, engine};

/// Answers until it is killed.
pub async fn serve(uri: &str, port: u16) -> Result<(), Failure> {
    let client = Client::with_uri_str(uri).await?;
    let database = client.default_database().ok_or("the connection string names no database")?;
    let router = Router::new()
        .route("/user/{id}", get(user))
        .route("/course/{*id}", get(course))
        .route("/news/{start}", get(news))
        .route("/calendar", get(async || Json(json!({ "term": "2017-2018-1-1", "week": 1, "day": 1 }))))
        .with_state(database);
    axum::serve(TcpListener::bind(("127.0.0.1", port)).await?, router).await?;
    Ok(())
}

type Answer = Result<Json<Bson>, StatusCode>;

async fn user(State(db): State<Database>, Path(id): Path<String>) -> Answer {
    one(&db, "users", doc! { "openId": id }).await
}

async fn course(State(db): State<Database>, Path(id): Path<String>) -> Answer {
    one(&db, "courses", doc! { "_id": id }).await
}

async fn one(db: &Database, collection: &str, filter: Document) -> Answer {
    let found = db.collection::<Document>(collection).find_one(filter).await;
    let found = found.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?.ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(Bson::Document(found)))
}

async fn news(State(db): State<Database>, Path(start): Path<u64>) -> Answer {
    let articles = db.collection::<Document>("news");
    let found = articles.find(doc! {}).sort(doc! { "publishedAt": -1, "_id": -1 }).skip(start).limit(10);
    let found = found.projection(doc! { "title": 1, "time": 1, "tag": 1 });
    let mut cursor = found.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let mut page = Vec::new();
    while cursor.advance().await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)? {
        page.push(Bson::Document(cursor.deserialize_current().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?));
    }
    Ok(Json(Bson::Array(page)))
}

/// The reference as a process of its own.
pub struct Process {
    child: Child,
    /// `http://address:port`.
    pub api: String,
}

impl Process {
    /// Starts it and waits until it answers.
    pub async fn start(uri: &str, database: &str) -> Result<Self, Failure> {
        let port = engine::free_port()?;
        let child = Command::new(std::env::current_exe()?)
            .args(["reference", "--uri", &engine::uri_of(uri, database), "--port", &port.to_string()])
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let api = format!("http://127.0.0.1:{port}");
        engine::answers(&format!("{api}/calendar"), Duration::from_secs(30)).await?;
        Ok(Self { child, api })
    }

    /// Ends it.
    pub async fn stop(&mut self) -> Result<(), Failure> {
        Ok(self.child.kill().await?)
    }
}
