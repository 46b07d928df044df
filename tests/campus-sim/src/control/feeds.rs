//! The items of news, logistics and the bulletin board, and the lectures, over HTTP.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use serde_json::{Map, Value};

use super::answers::Problem;
use super::requests::body;
use super::{Answer, done, shown, system};
use crate::call::Call;
use crate::feeds::{FeedItem, Lecture};
use crate::sim::Sim;
use crate::system::System;

pub(super) fn router() -> Router<Sim> {
    Router::new()
        .route("/_sim/feeds/{system}", get(list).put(replace))
        .route("/_sim/feeds/{system}/{id}", get(show).put(change).delete(remove))
        .route("/_sim/lectures", get(lectures).put(put_lecture))
        .route("/_sim/lectures/{title}", delete(remove_lecture))
}

fn items(sim: &Sim, system: System) -> Result<Vec<FeedItem>, Problem> {
    sim.try_feed_items(system).map_err(Problem::not_found)
}

fn id_of(text: &str) -> Result<u32, Problem> {
    text.parse().map_err(|_| Problem::bad_request(format!("an item's id is a number, not '{text}'")))
}

fn no_item(system: System, id: u32) -> Problem {
    Problem::not_found(format!("{system} has no item {id}"))
}

async fn list(State(sim): State<Sim>, Path(name): Path<String>) -> Answer {
    Ok(shown(&items(&sim, system(&name)?)?))
}

async fn replace(State(sim): State<Sim>, Path(name): Path<String>, call: Call) -> Answer {
    let system = system(&name)?;
    items(&sim, system)?;
    sim.try_set_feed_items(system, body(&call)?).map_err(Problem::bad_request)?;
    Ok(done())
}

async fn show(State(sim): State<Sim>, Path((name, id)): Path<(String, String)>) -> Answer {
    let (system, id) = (system(&name)?, id_of(&id)?);
    let item = items(&sim, system)?.into_iter().find(|item| item.id == id);
    item.map(|item| shown(&item)).ok_or_else(|| no_item(system, id))
}

/// Adds or changes an item: fields not given stay, or are empty for a new one.
async fn change(State(sim): State<Sim>, Path((name, id)): Path<(String, String)>, call: Call) -> Answer {
    let (system, id) = (system(&name)?, id_of(&id)?);
    let known = items(&sim, system)?.into_iter().find(|item| item.id == id).unwrap_or_default();
    let fields: Map<String, Value> = body(&call)?;
    let wrong = |error: serde_json::Error| Problem::bad_request(format!("the body is wrong: {error}"));
    let mut value = serde_json::to_value(known).map_err(wrong)?;
    if let Some(object) = value.as_object_mut() {
        object.extend(fields);
    }
    let item = FeedItem { id, ..serde_json::from_value(value).map_err(wrong)? };
    let new = sim.try_put_feed_item(system, item).map_err(Problem::bad_request)?;
    let item = items(&sim, system)?.into_iter().find(|item| item.id == id);
    Ok((status(new), Json(item)).into_response())
}

async fn remove(State(sim): State<Sim>, Path((name, id)): Path<(String, String)>) -> Answer {
    let (system, id) = (system(&name)?, id_of(&id)?);
    let removed = sim.try_remove_feed_item(system, id).map_err(Problem::not_found)?;
    if removed { Ok(done()) } else { Err(no_item(system, id)) }
}

async fn lectures(State(sim): State<Sim>) -> Response {
    shown(&sim.lectures())
}

async fn put_lecture(State(sim): State<Sim>, call: Call) -> Answer {
    let lecture: Lecture = body(&call)?;
    if lecture.title.trim().is_empty() {
        return Err(Problem::bad_request("a lecture needs a 'title'".to_owned()));
    }
    let new = sim.upsert_lecture(lecture.clone());
    Ok((status(new), Json(lecture)).into_response())
}

async fn remove_lecture(State(sim): State<Sim>, Path(title): Path<String>) -> Answer {
    if sim.try_remove_lecture(&title) {
        Ok(done())
    } else {
        Err(Problem::not_found(format!("there is no lecture '{title}'")))
    }
}

fn status(new: bool) -> StatusCode {
    if new { StatusCode::CREATED } else { StatusCode::OK }
}
