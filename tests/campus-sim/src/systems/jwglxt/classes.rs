//! How jwglxt calls classes, campuses, buildings, weeks and lessons.

use crate::rng::Rng;
use crate::student::{Course, Session};
use crate::world::Building;

/// The system's own number of a class.
pub(super) fn class_id(number: &str, sequence: &str) -> String {
    Rng::of(0, "teaching class", &format!("{number}-{sequence}")).hex(32).to_uppercase()
}

/// Name of a class among the course's parallel ones: `电工技术(2)-0005`.
pub(super) fn class_name(course: &Course) -> String {
    format!("{}-{:0>4}", course.name, course.sequence)
}

/// Credits with one decimal, as this system prints them: `3.0`, `3.5`.
pub(super) fn credit(text: &str) -> String {
    if text.contains('.') { text.to_owned() } else { format!("{text}.0") }
}

/// Number, name and short name of the campus: the world's south is the east here.
pub(super) fn campus(name: &str) -> (&'static str, &'static str, &'static str) {
    if name == "北校区" { ("2", "西校区", "西区") } else { ("1", "东校区", "东区") }
}

/// Number of a building.
pub(super) fn building_code(building: &Building) -> String {
    (building.code + 17).to_string()
}

/// Name of a building: those with a number have it in words.
pub(super) fn building_name(building: &Building) -> String {
    const WORDS: [&str; 5] = ["一", "二", "三", "四", "五"];
    match building.name.strip_suffix("号教学楼").and_then(|number| number.parse::<usize>().ok()) {
        Some(number) => WORDS.get(number.wrapping_sub(1)).map_or_else(String::new, |word| format!("教学{word}楼")),
        None => building.name.trim_start_matches("北校区").to_owned(),
    }
}

/// A room as the table writes it; a meeting without one has not got one yet.
pub(super) fn room(session: &Session) -> String {
    if session.room.is_empty() {
        return "未排地点".to_owned();
    }
    format!("{}-{}", campus(&session.campus).2, session.room.trim_end_matches("(多)"))
}

/// Weeks as the table writes them: `1-4周,6周`, and `2-10周(双)` where every other week is left out.
pub(super) fn weeks(weeks: &[u8]) -> String {
    if let [first, second, .., last] = weeks
        && *second == first + 2
        && weeks.windows(2).all(|pair| pair[1] == pair[0] + 2)
    {
        let word = if first % 2 == 0 { "双" } else { "单" };
        return format!("{first}-{last}周({word})");
    }
    let mut spans: Vec<(u8, u8)> = Vec::new();
    for &week in weeks {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == week => *last = week,
            _ => spans.push((week, week)),
        }
    }
    let span =
        |&(first, last): &(u8, u8)| if first == last { format!("{first}周") } else { format!("{first}-{last}周") };
    spans.iter().map(span).collect::<Vec<_>>().join(",")
}

/// A set of numbers from 1 on as a number: bit 0 is 1.
pub(super) fn mask(numbers: impl IntoIterator<Item = u8>) -> u64 {
    numbers.into_iter().filter(|number| (1..=64).contains(number)).fold(0, |mask, number| mask | 1 << (number - 1))
}

/// The numbers of such a set.
pub(super) fn numbers(mask: u64) -> Vec<u8> {
    (1..=64).filter(|number| mask >> (number - 1) & 1 == 1).collect()
}

#[cfg(test)]
mod tests {
    use super::{building_name, mask, numbers, weeks};
    use crate::world::BUILDINGS;

    #[test]
    fn weeks_are_spans_or_every_other_one() {
        assert_eq!(weeks(&[1, 2, 3, 4, 6]), "1-4周,6周");
        assert_eq!(weeks(&[10, 12, 14]), "10-14周(双)");
        assert_eq!(weeks(&[1, 3, 5]), "1-5周(单)");
        assert_eq!(weeks(&[1, 3]), "1周,3周");
        assert_eq!(weeks(&[6]), "6周");
        assert_eq!(weeks(&[]), "");
    }

    #[test]
    fn masks_begin_with_one() {
        assert_eq!(mask([1, 3]), 5);
        assert_eq!(numbers(5), [1, 3]);
    }

    #[test]
    fn every_building_has_a_name() {
        assert_eq!(building_name(&BUILDINGS[0]), "教学一楼");
        assert!(BUILDINGS.iter().all(|building| !building_name(building).is_empty()));
    }
}
