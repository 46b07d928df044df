//! Empty classrooms (`xszxcxAction.do?oper=tjcx`), grouped by floor.

use crate::campus::page::dom::{Grid, Page};
use crate::campus::page::{Layer, PageError};
use crate::model::{Room, by_floor};

/// Name of this page on the command line and in errors.
const PAGE: &str = "urp-classroom";

/// Words in the names of the columns: building, room, seats.
const COLUMNS: [&str; 3] = ["楼", "教室", "座位"];

/// Reads the free rooms, one list per floor, floors in the order of their first room.
///
/// No free room is an empty list; a page without the table is an error.
pub fn parse_classrooms(html: &str) -> Result<Vec<Vec<Room>>, PageError> {
    let page = Page::parse(html)?;
    let names_all = |names: &[String]| COLUMNS.iter().all(|word| names.iter().any(|name| name.contains(word)));
    let missing = || page.instead(Layer::Urp, PAGE, "the header of the list");
    let grid = Grid::with_header(&page, names_all).ok_or_else(missing)?;
    let [Some(building), Some(room), Some(volume)] = COLUMNS.map(|word| grid.column_like(word)) else {
        return Err(missing());
    };
    let Some(records) = grid.records() else {
        return Err(PageError::Changed { page: PAGE, missing: "a cell of a row" });
    };
    let rooms = records.into_iter().map(|record| Room {
        building: record[building].clone(),
        room: record[room].replace("(多)", ""),
        volume: record[volume].clone(),
    });
    let floors = by_floor(rooms.filter(|room| !room.room.is_empty()));
    if floors.is_empty() {
        if let Some(refusal) = page.refusal() {
            return Err(refusal);
        }
        if !page.is_whole() {
            return Err(PageError::Changed { page: PAGE, missing: "the end of the page" });
        }
    }
    Ok(floors)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn error(name: &str) -> PageError {
        parse_classrooms(&fixture(name)).unwrap_err()
    }

    #[test]
    fn rooms_are_grouped_by_floor_in_the_order_of_the_page() {
        insta::assert_json_snapshot!(parse_classrooms(&fixture("urp/classroom.html")).unwrap());
    }

    #[test]
    fn no_free_room_is_an_empty_list() {
        assert_eq!(parse_classrooms(&fixture("urp/classroom-empty.gbk.html")), Ok(vec![]));
    }

    #[test]
    fn a_page_without_the_table_is_not_an_empty_list() {
        assert!(matches!(
            parse_classrooms("<title>自习教室查询</title><table id=user></table>"),
            Err(PageError::Changed { page: "urp-classroom", .. })
        ));
    }

    #[test]
    fn a_login_page_instead_of_the_list_is_an_expired_session() {
        assert_eq!(error("urp/login-page.gbk.html"), PageError::SessionExpired(Layer::Urp));
        assert_eq!(error("vpn/login-page.html"), PageError::SessionExpired(Layer::Vpn));
    }

    #[test]
    fn maintenance_and_garbage_are_told_apart() {
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
        assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
    }

    proptest! {
        #[test]
        fn a_mutilated_list_has_no_empty_floor_or_is_an_error(page in mutilated("urp/classroom.html")) {
            if let Ok(floors) = parse_classrooms(&page) {
                prop_assert!(!floors.is_empty(), "rooms do not vanish");
                prop_assert!(floors.iter().all(|rooms| !rooms.is_empty()));
            }
        }
    }
}
