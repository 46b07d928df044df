//! Rooms that are free (`cdjy_cxKxcdlb.html`) and the buildings to look in (`cdjy_cxXqjc.html`).

use super::rows::{Row, leaf_of, rows_of};
use super::signals::json_of;
use crate::campus::page::{Leaf, PageError};
use crate::model::academic::{Building, FreeRoom};

/// Name of the list of rooms on the command line and in errors.
const ROOMS: &str = "zf-rooms";

/// Name of the list of buildings on the command line and in errors.
const BUILDINGS: &str = "zf-buildings";

/// The building of a room that is in none.
const NO_BUILDING: &str = "无楼号";

/// The campus of a room that is on none.
const NO_CAMPUS: &str = "*";

/// Reads the buildings of a campus.
pub fn parse_buildings(body: &str) -> Result<Vec<Building>, PageError> {
    let answer = json_of(body, BUILDINGS)?;
    let rows = rows_of(&answer["lhList"], BUILDINGS, "lhList", &[&["JXLDM"], &["JXLMC"]])?;
    let buildings = rows.into_iter().map(|row| Building { system_id: row.text("JXLDM"), title: row.text("JXLMC") });
    Ok(buildings.filter(|building| !building.system_id.is_empty()).collect())
}

/// Reads one page of the free rooms. `number`: which page was asked for, from 1. No free room is an empty list.
pub fn parse_room_page(body: &str, number: u32) -> Result<Leaf<FreeRoom, u32>, PageError> {
    leaf_of(body, ROOMS, number, &[&["cdmc"], &["zws"]], room)
}

fn room(row: Row<'_>) -> FreeRoom {
    FreeRoom {
        campus: row.text_but("xqmc", NO_CAMPUS),
        building: row.text_but("jxlmc", NO_BUILDING),
        room: row.first_text(&["cdmc", "cdbh"]),
        seats: row.text("zws"),
        kind: row.text("cdlbmc"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::Layer;
    use crate::campus::page::fixture::{fixture, mutilated};

    #[test]
    fn every_free_room_is_read() {
        let leaf = parse_room_page(&fixture("jwglxt/rooms.json"), 1).unwrap();
        assert!(!leaf.is_part());
        insta::assert_json_snapshot!(leaf.rows);
    }

    #[test]
    fn no_free_room_is_an_empty_list() {
        assert_eq!(parse_room_page(&fixture("jwglxt/rooms-none.json"), 1).unwrap().rows, []);
    }

    #[test]
    fn every_building_is_read_with_the_number_that_requests_need() {
        let buildings = parse_buildings(&fixture("jwglxt/buildings.json")).unwrap();
        let told: Vec<_> = buildings.iter().map(|b| (b.system_id.as_str(), b.title.as_str())).collect();
        assert_eq!(told, [("18", "教学一楼"), ("19", "教学二楼"), ("23", "实验楼")]);
    }

    #[test]
    fn lists_without_their_keys_are_changed_and_never_empty() {
        let rooms = fixture("jwglxt/rooms.json");
        for key in ["items", "cdmc", "zws"] {
            let error = parse_room_page(&rooms.replace(&format!("\"{key}\""), "\"other\""), 1).unwrap_err();
            assert_eq!(error, PageError::Changed { page: ROOMS, missing: key });
        }
        let buildings = fixture("jwglxt/buildings.json");
        for key in ["lhList", "JXLDM", "JXLMC"] {
            let error = parse_buildings(&buildings.replace(&format!("\"{key}\""), "\"other\"")).unwrap_err();
            assert_eq!(error, PageError::Changed { page: BUILDINGS, missing: key });
        }
    }

    #[test]
    fn another_answer_is_none_of_both() {
        for read in [|body: &str| parse_buildings(body).map(drop), |body: &str| parse_room_page(body, 1).map(drop)] {
            assert_eq!(read(""), Err(PageError::SessionExpired(Layer::Jwglxt)));
            assert_eq!(read(&fixture("jwglxt/login-page.html")), Err(PageError::SessionExpired(Layer::Jwglxt)));
            assert_eq!(read(&fixture("maintenance.gbk.html")), Err(PageError::Maintenance));
            assert!(matches!(read(&fixture("jwglxt/no-function.html")), Err(PageError::Closed(..))));
            assert!(matches!(read(&fixture("garbage.html")), Err(PageError::Changed { .. })));
            assert!(matches!(read("null"), Err(PageError::Changed { .. })));
        }
    }

    proptest! {
        #[test]
        fn mutilated_rooms_do_not_vanish(body in mutilated("jwglxt/rooms.json")) {
            if let Ok(leaf) = parse_room_page(&body, 1) {
                prop_assert!(!leaf.rows.is_empty());
            }
        }

        #[test]
        fn mutilated_buildings_are_buildings_or_an_error(body in mutilated("jwglxt/buildings.json")) {
            if let Ok(buildings) = parse_buildings(&body) {
                prop_assert!(buildings.iter().all(|building| !building.system_id.is_empty()));
            }
        }
    }
}
