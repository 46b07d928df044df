//! Rooms that are free: the buildings of the search page (`GET classroom/apply/free.action`) and the rooms found
//! (`POST classroom/apply/free!search.action`).

use super::list::List;
use super::signals::{instead, signal_on};
use crate::campus::page::PageError;
use crate::campus::page::dom::{Page, text_of};
use crate::model::academic::{Building, FreeRoom};

/// Name of the list of rooms on the command line and in errors.
const PAGE: &str = "eams-rooms";

/// Name of the search page on the command line and in errors.
const SEARCH_PAGE: &str = "eams-buildings";

/// Columns without which a row cannot be understood.
const COLUMNS: [&str; 2] = ["名称", "容量"];

/// Reads the buildings that rooms can be searched in. There always is one.
pub fn parse_buildings(html: &str) -> Result<Vec<Building>, PageError> {
    let page = Page::parse(html)?;
    if let Some(signal) = signal_on(&page) {
        return Err(signal);
    }
    let Some(select) = page.by_id("select", "building") else {
        return Err(instead(&page, SEARCH_PAGE, "the choice of a building"));
    };
    let options = select.descendent_elements().filter(|option| option.value().name() == "option");
    let buildings = options.filter_map(|option| {
        // The first option, without a value, is that for every building.
        let system_id = option.attr("value").map(str::trim).filter(|value| !value.is_empty())?.to_owned();
        Some(Building { system_id, title: text_of(option) })
    });
    let buildings: Vec<Building> = buildings.filter(|building| !building.title.is_empty()).collect();
    if buildings.is_empty() { Err(instead(&page, SEARCH_PAGE, "a building")) } else { Ok(buildings) }
}

/// Reads the free rooms in the order of the page. None free is an empty list; a page without the list is an error.
pub fn parse_free_rooms(html: &str) -> Result<Vec<FreeRoom>, PageError> {
    let page = Page::parse(html)?;
    if let Some(signal) = signal_on(&page) {
        return Err(signal);
    }
    let names_all = |names: &[String]| COLUMNS.iter().all(|column| names.iter().any(|name| name == column));
    let list = List::find(&page, html, PAGE, names_all)?;
    let rooms = list.rows().iter().map(|row| {
        let text = |column| list.column(column).map(|column| text_of(row[column])).unwrap_or_default();
        let room = FreeRoom {
            campus: text("校区"),
            building: text("教学楼"),
            room: text("名称"),
            seats: text("容量"),
            kind: text("教室设备配置"),
        };
        (!room.room.is_empty()).then_some(room)
    });
    rooms.collect::<Option<_>>().ok_or(PageError::Changed { page: PAGE, missing: "the name of a room" })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::fixture::{fixture, mutilated};
    use crate::campus::page::{Closed, Layer};

    fn error(name: &str) -> PageError {
        assert_eq!(parse_buildings(&fixture(name)).is_err(), parse_free_rooms(&fixture(name)).is_err(), "{name}");
        parse_free_rooms(&fixture(name)).unwrap_err()
    }

    #[test]
    fn rooms_are_read_by_the_names_of_their_columns() {
        insta::assert_json_snapshot!(parse_free_rooms(&fixture("eams/rooms.html")).unwrap());
    }

    #[test]
    fn none_free_is_an_empty_list() {
        assert_eq!(parse_free_rooms(&fixture("eams/rooms-none.html")), Ok(vec![]));
        let bare = fixture("eams/rooms-none.html").replace("<tr></tr>", "");
        assert_eq!(parse_free_rooms(&bare), Ok(vec![]));
    }

    #[test]
    fn a_list_without_its_header_or_its_end_is_not_an_empty_list() {
        for page in [
            fixture("eams/rooms-none.html").replace("容量", "座位"),
            fixture("eams/rooms-none.html").replace("</table>", ""),
            fixture("eams/rooms.html").replacen("<td>120</td>", "", 1),
            fixture("eams/rooms.html").replacen("<td>3103</td>", "<td></td>", 1),
        ] {
            assert!(matches!(parse_free_rooms(&page), Err(PageError::Changed { page: "eams-rooms", .. })), "{page}");
        }
    }

    #[test]
    fn buildings_are_read_with_their_ids() {
        let buildings = parse_buildings(&fixture("eams/buildings.html")).unwrap();
        let told: Vec<_> = buildings.iter().map(|b| (b.system_id.as_str(), b.title.as_str())).collect();
        assert_eq!(told[..2], [("1", "南校区1号教学楼"), ("4", "南校区3号教学楼")]);
        assert_eq!(told.len(), 9);
    }

    #[test]
    fn a_search_page_without_buildings_is_a_changed_page() {
        let page = fixture("eams/buildings.html").replace("value=", "id=");
        assert!(matches!(parse_buildings(&page), Err(PageError::Changed { page: "eams-buildings", .. })));
    }

    #[test]
    fn other_pages_are_told_apart() {
        assert_eq!(error("eams/login.html"), PageError::SessionExpired(Layer::Eams));
        assert_eq!(error("eams/too-fast.html"), PageError::TooFast);
        assert!(matches!(error("eams/no-permission.html"), PageError::Closed(Closed::Permission, _)));
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
        assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
    }

    proptest! {
        #[test]
        fn mutilated_rooms_are_rooms_or_an_error(page in mutilated("eams/rooms.html")) {
            if let Ok(rooms) = parse_free_rooms(&page) {
                prop_assert!(!rooms.is_empty(), "rooms do not vanish");
                prop_assert!(rooms.iter().all(|room| !room.room.is_empty()));
            }
        }

        #[test]
        fn mutilated_buildings_are_buildings_or_an_error(page in mutilated("eams/buildings.html")) {
            if let Ok(buildings) = parse_buildings(&page) {
                prop_assert!(!buildings.is_empty(), "buildings do not vanish");
                prop_assert!(buildings.iter().all(|b| !b.system_id.is_empty() && !b.title.is_empty()));
            }
        }
    }
}
