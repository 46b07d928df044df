//! Campuses and buildings of a school, and the short names of places that the mini-program has room for.

use super::{
    fields::Fields,
    values::{name, text, whole},
};
use crate::model::{short_building, short_room};

/// Numbers that the mini-program has for buildings.
const NUMBERS: (i64, i64) = (1, 18);

/// A campus of the school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campus {
    /// Short name in this profile and in requests.
    pub id: String,
    /// Its name as the academic system writes it.
    pub name: String,
}

/// A building with rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Building {
    /// Short name in this profile and in requests.
    pub id: String,
    /// The number, 1 to 18, that the mini-program asks for; `None` for one that it does not know.
    pub number: Option<u8>,
    /// Its name as the academic system writes it.
    pub title: String,
    /// Id of its campus.
    pub campus: String,
    /// Its name as it is shown.
    pub short: String,
}

/// The short name of a room; see [`super::School::place`].
pub(super) fn place(campuses: &[Campus], buildings: &[Building], campus: &str, building: &str, room: &str) -> String {
    let on = campuses.iter().find(|known| known.name == campus);
    let candidates = || buildings.iter().filter(|known| on.is_none_or(|campus| campus.id == known.campus));
    let same = |known: &&Building| {
        let name = campuses.iter().find(|campus| campus.id == known.campus).map_or("", |campus| campus.name.as_str());
        let bare = without(building, name);
        // Only one of the two may have the name of the campus in front.
        !bare.is_empty() && without(&known.title, name) == bare
    };
    let known = candidates().find(|known| known.title == building).or_else(|| candidates().find(same));
    let shown = known.map_or_else(|| short_building(without(building, campus)), |known| known.short.clone());
    shown + &short_room(room)
}

/// A building's name without that of its campus in front.
fn without<'a>(building: &'a str, campus: &str) -> &'a str {
    building.strip_prefix(campus).unwrap_or(building).trim_start()
}

/// Reads one `[[campus]]`.
pub(super) fn campus(mut fields: Fields<'_>) -> Option<Campus> {
    let id = fields.required("id", "\"south\"", name);
    let title = fields.required("name", "\"南校区\"", text(50));
    fields.finish();
    Some(Campus { id: id?, name: title? })
}

/// Reads one `[[building]]`. `campuses`: all of them, unless they could not be read.
pub(super) fn building(mut fields: Fields<'_>, campuses: Option<&[Campus]>) -> Option<Building> {
    let id = fields.required("id", "\"b3\"", name);
    let number = fields.optional("number", "3", whole(NUMBERS.0, NUMBERS.1));
    let title = fields.required("title", "\"南校区3号教学楼\"", text(50));
    let campus = fields.required("campus", "\"south\"", name);
    let short = fields.required("short", "\"3教\"", text(20));
    if let (Some(campus), Some(campuses)) = (&campus, campuses)
        && campuses.iter().all(|known| known.id != *campus)
    {
        fields.problem("campus", "is the id of no [[campus]]", "campus = \"south\"");
    }
    fields.finish();
    Some(Building { id: id?, number, title: title?, campus: campus?, short: short? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn campus(id: &str, name: &str) -> Campus {
        Campus { id: id.to_owned(), name: name.to_owned() }
    }

    fn building(id: &str, title: &str, campus: &str, short: &str) -> Building {
        let [id, title, campus, short] = [id, title, campus, short].map(str::to_owned);
        Building { id, number: None, title, campus, short }
    }

    fn short(campus_name: &str, building_name: &str, room: &str) -> String {
        let campuses = [campus("south", "南校区"), campus("north", "北校区")];
        let buildings = [
            building("b3", "南校区3号教学楼", "south", "3教"),
            building("cs", "计算机综合楼", "south", "计算机"),
            building("n1", "1号教学楼", "north", "北1"),
            building("s1", "1号教学楼", "south", "南1"),
        ];
        place(&campuses, &buildings, campus_name, building_name, room)
    }

    #[test]
    fn a_known_building_has_the_short_name_of_the_profile() {
        assert_eq!(short("南校区", "南校区3号教学楼", "3103"), "3教3103");
        assert_eq!(short("南校区", "计算机综合楼", "204"), "计算机204");
        // One of both writes the campus, the other does not.
        assert_eq!(short("南校区", "3号教学楼", "3103"), "3教3103");
        assert_eq!(short("", "南校区3号教学楼", "3103"), "3教3103");
        assert_eq!(short("北校区", "北校区1号教学楼", "101"), "北1101");
    }

    #[test]
    fn equal_titles_are_told_apart_by_the_campus() {
        assert_eq!(short("南校区", "1号教学楼", "101"), "南1101");
        assert_eq!(short("北校区", "1号教学楼", "101"), "北1101");
        assert_eq!(short("北校区", "3号教学楼", "101"), "3教101", "by the filler words");
    }

    #[test]
    fn an_unknown_building_loses_its_campus_and_the_filler_words() {
        assert_eq!(short("南校区", "南校区5号教学楼", "5102(多)"), "5教5102");
        assert_eq!(short("西校区", "西校区实验综合楼", "B102"), "实验B102");
        assert_eq!(short("南校区", "南校区", "操场"), "操场");
    }

    #[test]
    fn what_is_missing_is_left_out() {
        assert_eq!(short("", "", "操场"), "操场");
        assert_eq!(short("南校区", "", "东区-B103"), "东区-B103");
        assert_eq!(short("南校区", "南校区3号教学楼", ""), "3教");
        assert_eq!(short("", "", ""), "");
    }
}
