//! The rooms of `src/` stack in one direction, as the table in `docs/ARCHITECTURE.md` says it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

type Rooms = BTreeMap<String, BTreeSet<String>>;

/// The words between backticks.
fn quoted(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

/// What each room may know, in the order of the table.
fn table() -> Vec<(String, BTreeSet<String>)> {
    let text = fs::read_to_string("docs/ARCHITECTURE.md").unwrap();
    let rows = text.lines().skip_while(|line| !line.starts_with("| room |")).skip(2);
    let mut rooms = Vec::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').collect();
        let known: BTreeSet<String> = quoted(cells[3]).collect();
        rooms.extend(quoted(cells[1]).map(|room| (room, known.clone())));
    }
    rooms
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
    files
}

/// The code of a file without comments and without its tests.
fn code_of(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The first names behind each `crate::` in `code`, also those of a group in braces.
fn used(code: &str) -> BTreeSet<String> {
    let first = |item: &str| {
        item.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default().to_owned()
    };
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(first(rest));
            continue;
        };
        let (mut depth, mut item) = (0, String::new());
        for c in group.chars() {
            match c {
                '}' if depth == 0 => break,
                ',' if depth == 0 => names.insert(first(&std::mem::take(&mut item))),
                _ => {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    item.push(c);
                    true
                }
            };
        }
        names.insert(first(&item));
    }
    names
}

/// What each room does know.
fn found() -> Rooms {
    let mut rooms = Rooms::new();
    for path in files_below(Path::new("src")) {
        let inside = path.strip_prefix("src").unwrap();
        let room = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        rooms.entry(room).or_default().extend(used(&code_of(&path)));
    }
    rooms.retain(|room, _| room != "lib" && room != "main");
    let names: BTreeSet<String> = rooms.keys().cloned().collect();
    for (room, known) in &mut rooms {
        known.retain(|name| names.contains(name) && name != room);
    }
    rooms
}

#[test]
fn every_room_knows_what_the_table_says_and_nothing_above_it() {
    let table = table();
    let order: Vec<&str> = table.iter().map(|(room, _)| room.as_str()).collect();
    for (at, (room, known)) in table.iter().enumerate() {
        for name in known {
            assert!(
                order[at + 1..].contains(&name.as_str()),
                "{room} knows {name}, which is not below it in the table"
            );
        }
    }
    assert_eq!(found(), table.into_iter().collect(), "the code, and docs/ARCHITECTURE.md");
}

#[test]
fn uses_are_found_in_groups_and_alone() {
    let code = "use crate::{a::{B, C}, d, e::f};\nuse crate::g::H;\nfn x() { crate::i::j() }";
    assert_eq!(used(code).into_iter().collect::<Vec<_>>(), ["a", "d", "e", "g", "i"]);
}
