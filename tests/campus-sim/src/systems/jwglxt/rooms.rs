//! Empty classrooms, by weeks and lessons.

use serde_json::{Value, json};

use super::classes::{building_code, building_name, campus, numbers};
use super::term_data::term_of;
use super::{Asked, Shown, paging};
use crate::rng::Rng;
use crate::world::{BUILDINGS, Building};

fn stands_on(building: &Building, wanted: &str) -> bool {
    wanted.is_empty() || campus(building.campus()).0 == wanted
}

/// Buildings of the campus that the query names, and the lessons of a day.
pub(super) fn buildings(asked: &Asked<'_>) -> Shown {
    let query = &asked.call.query;
    if term_of(query).is_none() {
        return Err("buildings are asked for by term and campus");
    }
    let list: Vec<Value> = BUILDINGS
        .iter()
        .filter(|building| stands_on(building, query.get("xqh_id")) && !asked.visit.empty)
        .map(|building| json!({"JXLDM": building_code(building), "JXLMC": building_name(building)}))
        .collect();
    let lessons: Vec<Value> = (1..=10).map(|lesson| json!({"JCMC": lesson.to_string()})).collect();
    Ok(super::json(&json!({"lhList": list, "jcList": lessons})))
}

/// The rooms that are free in all of these weeks, days and lessons. Which ones depends on nothing else.
pub(super) fn rooms(asked: &Asked<'_>) -> Shown {
    let form = asked.form;
    let mask = |name: &str| numbers(form.get(name).parse().unwrap_or(0));
    let (weeks, lessons) = (mask("zcd"), mask("jcd"));
    let days: Vec<u8> = form.get("xqj").split(',').filter_map(|day| day.parse().ok()).collect();
    let term = term_of(form).filter(|_| form.get("fwzt") == "cx" && asked.call.query.get("doType") == "query");
    let Some(term) = term.filter(|_| !weeks.is_empty() && !lessons.is_empty() && !days.is_empty()) else {
        return Err("rooms are asked for by term, weeks, days and lessons");
    };
    let seed = asked.sim.world().seed();
    let wanted = form.get("lh");
    let mut items = Vec::new();
    let fitting = BUILDINGS.iter().filter(|building| {
        stands_on(building, form.get("xqh_id")) && (wanted.is_empty() || building_code(building) == wanted)
    });
    for building in fitting {
        let (_, campus_name, campus_short) = campus(building.campus());
        for (room, seats, equipped) in building.all_rooms() {
            // Lessons come in pairs.
            let taken = |week: u8, day: u8, lesson: u8| {
                let when = format!("{} {week} {day} {} {room} {}", term.id, building.code, lesson.div_ceil(2));
                Rng::of(seed, "lesson", &when).chance(45)
            };
            let free = weeks
                .iter()
                .all(|&week| days.iter().all(|&day| lessons.iter().all(|&lesson| !taken(week, day, lesson))));
            if !free {
                continue;
            }
            items.push(json!({
                "cd_id": Rng::of(0, "room", &format!("{} {room}", building.code)).hex(4).to_uppercase(),
                "cdbh": room,
                "cdmc": format!("{campus_short}-{room}"),
                "cdlbmc": if equipped { "多媒体教室" } else { "普通教室" },
                "jxlmc": building_name(building),
                "lh": building_code(building),
                "xqmc": campus_name,
                "zws": seats.to_string(),
            }));
        }
    }
    paging::list(asked, &items)
}
