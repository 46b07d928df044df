//! Empty classrooms, by date.

use std::fmt::Write as _;

use super::columns::{Grid, cell};
use super::{Asked, Shown, signals};
use crate::rng::Rng;
use crate::world::BUILDINGS;

/// The page that browsers come from.
pub(super) fn prelude(asked: &Asked<'_>) -> Shown {
    asked
        .page("教室查询", "<div id=\"std-activity\"><a href=\"/eams/classroom/apply/free.action\">空闲教室</a></div>\n")
}

/// The system's own number of a building.
const fn building_id(code: u32) -> u32 {
    code + 1
}

/// The form with the buildings.
pub(super) fn form(asked: &Asked<'_>) -> Shown {
    let mut content = String::from(
        "<form id=\"actionForm\" action=\"/eams/classroom/apply/free!search.action\" method=\"post\">\n\
         教学楼：<select id=\"building\" name=\"classroom.building.id\"><option value=\"\">...</option>",
    );
    for building in &BUILDINGS {
        let (id, title) = (building_id(building.code), building.title());
        let _ = write!(content, "<option value=\"{id}\" title=\"{title}\">{title}</option>");
    }
    content.push_str("</select>\n</form>\n");
    asked.page("空闲教室", &content)
}

/// The rooms that are free in all of these lessons of a day. Which ones depends on nothing else.
pub(super) fn rooms(asked: &Asked<'_>) -> Shown {
    let form = asked.form;
    let number = |name: &str| form.get(name).parse::<u32>().ok();
    if form.get("roomApplyTimeType") != "0" || form.get("cycleTime.cycleType") != "1" {
        return Err("rooms are asked for by lessons and for a day");
    }
    let date = form.get("cycleTime.dateBegin");
    let lessons =
        number("timeBegin").zip(number("timeEnd")).filter(|(begin, end)| (1..=11).contains(begin) && begin <= end);
    let Some((begin, end)) = lessons.filter(|_| date.len() == 10 && date == form.get("cycleTime.dateEnd")) else {
        return Ok(signals::refusal("请选择日期和节次"));
    };
    let chosen = number("classroom.building.id");
    let seed = asked.sim.world().seed();
    let mut grid = Grid::new("grid10000000014", &["序号", "名称", "教学楼", "校区", "教室设备配置", "容量"]);
    let mut count = 0;
    for building in BUILDINGS.iter().filter(|building| chosen.is_none_or(|id| id == building_id(building.code))) {
        for (room, seats, equipped) in building.all_rooms() {
            // Lessons come in pairs.
            let taken = |pair| Rng::of(seed, "lesson", &format!("{date} {} {room} {pair}", building.code)).chance(45);
            if (begin.div_ceil(2)..=end.div_ceil(2)).any(taken) {
                continue;
            }
            count += 1;
            grid.row(vec![
                cell(&count),
                cell(&room),
                cell(&building.title()),
                cell(&building.campus()),
                cell(&if equipped { "多媒体教室" } else { "普通教室" }),
                cell(&seats),
            ]);
        }
    }
    asked.page("空闲教室", &grid.shaped(asked.visit, "名称").html())
}
