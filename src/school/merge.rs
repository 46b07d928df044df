//! `extends`: a file laid over a built-in profile. Tables merge key by key, lists of tables entry by entry.

use super::{
    file::{Node, Table, Value},
    problem::Problem,
};

/// In an entry of a list: the entry of the extended profile with the same `id` is left out.
const REMOVE: &str = "remove";

/// The key by which entries of a list are the same: swaps have no id.
fn identity(list: &str) -> &'static str {
    if list == "swap" { "from" } else { "id" }
}

/// Finds entries of a list that have the same identity.
pub(super) fn duplicates(root: &Node) -> Vec<Problem> {
    let Value::Table(table) = &root.value else { return Vec::new() };
    let mut problems = Vec::new();
    for (list, node) in table {
        let Some(entries) = node.value.tables() else { continue };
        let mut seen: Vec<&Value> = Vec::new();
        for id in entries.filter_map(|entry| entry.value.get(identity(list))) {
            if seen.contains(&&id.value) {
                let written = id.value.written();
                problems.push(Problem {
                    at: id.at.clone(),
                    key: format!("{list}.{}", identity(list)),
                    what: format!("{written} is there twice"),
                    example: format!("one [[{list}]] with {} = {written}", identity(list)),
                });
            }
            seen.push(&id.value);
        }
    }
    problems
}

/// Lays the file `upper` over the profile `base`.
pub(super) fn lay_over(base: Node, upper: Node, problems: &mut Vec<Problem>) -> Node {
    match (base.value, upper.value) {
        (Value::Table(base), Value::Table(over)) => {
            Node { at: upper.at, value: Value::Table(tables(base, over, problems)) }
        }
        (_, value) => Node { at: upper.at, value },
    }
}

fn tables(mut base: Table, over: Table, problems: &mut Vec<Problem>) -> Table {
    for (key, upper) in over {
        let Some(at) = base.iter().position(|(name, _)| *name == key) else {
            let nothing = Node { at: upper.at.clone(), value: Value::List(Vec::new()) };
            let is_list = upper.value.tables().is_some();
            let upper = if is_list { lists(&key, nothing, upper, problems) } else { upper };
            base.push((key, upper));
            continue;
        };
        let lower = std::mem::replace(&mut base[at].1, Node { at: upper.at.clone(), value: Value::Flag(false) });
        base[at].1 = values(&key, lower, upper, problems);
    }
    base
}

fn values(key: &str, base: Node, upper: Node, problems: &mut Vec<Problem>) -> Node {
    let are_tables = matches!((&base.value, &upper.value), (Value::Table(_), Value::Table(_)));
    if base.value.tables().is_some() && upper.value.tables().is_some() {
        lists(key, base, upper, problems)
    } else if are_tables && !differ(&base, &upper, "kind") {
        lay_over(base, upper, problems)
    } else {
        // A single value, or a table of another kind, which has other keys.
        upper
    }
}

fn lists(key: &str, base: Node, upper: Node, problems: &mut Vec<Problem>) -> Node {
    let identity = identity(key);
    let (Value::List(mut entries), Value::List(over)) = (base.value, upper.value) else {
        return Node { at: upper.at, value: Value::List(Vec::new()) };
    };
    for entry in over {
        let id = entry.value.get(identity).map(|id| id.value.clone());
        let same = |known: &Node| id.is_some() && known.value.get(identity).map(|id| &id.value) == id.as_ref();
        let found = entries.iter().position(same);
        match (found, entry.value.get(REMOVE)) {
            (Some(at), Some(Node { value: Value::Flag(true), .. })) => _ = entries.remove(at),
            (None, Some(remove)) => problems.push(Problem {
                at: remove.at.clone(),
                key: format!("{key}.{REMOVE}"),
                what: format!("the extended profile has no such [[{key}]]"),
                example: format!("{identity} of an entry that it has"),
            }),
            (Some(at), _) => {
                let mut lower = entries[at].clone();
                if differ(&lower, &entry, "system") {
                    without(&mut lower, "options");
                }
                entries[at] = lay_over(lower, entry, problems);
            }
            (None, None) => entries.push(entry),
        }
    }
    Node { at: upper.at, value: Value::List(entries) }
}

/// Whether both have the key, with different values.
fn differ(base: &Node, upper: &Node, key: &str) -> bool {
    matches!((base.value.get(key), upper.value.get(key)), (Some(base), Some(upper)) if base.value != upper.value)
}

fn without(node: &mut Node, key: &str) {
    if let Value::Table(table) = &mut node.value {
        table.retain(|(name, _)| name != key);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::file::parse, *};

    fn merged(base: &str, over: &str) -> Result<String, Vec<Problem>> {
        let mut problems = Vec::new();
        let node = lay_over(parse("base", base).unwrap(), parse("over", over).unwrap(), &mut problems);
        if problems.is_empty() { Ok(node.value.written().replace('"', "")) } else { Err(problems) }
    }

    #[test]
    fn tables_merge_key_by_key() {
        let base = "[bind]\npasswords = 'one'\naccount_name = 'a'\n[cas]\nbase = 'b'\n";
        let over = "[bind]\naccount_name = 'c'\n[term]\nsource = 'd'\n";
        assert_eq!(
            merged(base, over).unwrap(),
            "{ bind = { passwords = one, account_name = c }, cas = { base = b }, term = { source = d } }"
        );
    }

    #[test]
    fn entries_of_lists_merge_by_id_and_swaps_by_day() {
        let base = "[[campus]]\nid = 'a'\nname = 'A'\n[[campus]]\nid = 'b'\nname = 'B'\n[[swap]]\nfrom = 2026-10-01\nto = 2026-10-10\n";
        let over = "[[campus]]\nid = 'b'\nname = 'C'\n[[campus]]\nid = 'd'\nname = 'D'\n[[swap]]\nfrom = 2026-10-01\nto = 2026-10-11\n[[swap]]\nfrom = 2026-10-02\n";
        assert_eq!(
            merged(base, over).unwrap(),
            "{ campus = [{ id = a, name = A }, { id = b, name = C }, { id = d, name = D }], \
             swap = [{ from = 2026-10-01, to = 2026-10-11 }, { from = 2026-10-02 }] }"
        );
    }

    #[test]
    fn an_entry_is_removed_by_name() {
        let base = "[[times]]\nid = 'summer'\n[[times]]\nid = 'winter'\n";
        let over = "[[times]]\nid = 'summer'\nremove = true\n[[times]]\nid = 'all'\n";
        assert_eq!(merged(base, over).unwrap(), "{ times = [{ id = winter }, { id = all }] }");
        for text in ["[[times]]\nid = 'spring'\nremove = true\n", "[[swap]]\nfrom = 2026-10-01\nremove = true\n"] {
            let problems = merged(base, text).unwrap_err();
            assert_eq!((problems.len(), problems[0].at.line), (1, Some(3)), "{problems:?}");
        }
    }

    #[test]
    fn another_kind_or_system_leaves_the_old_ones_keys_behind() {
        let base = "[news]\nkind = 'publisher'\nbase = 'x'\n[[academic]]\nid = 'a'\nsystem = 'eams'\nname = 'n'\n[academic.options]\nproject = '1'\n";
        let over = "[news]\nkind = 'none'\n[[academic]]\nid = 'a'\nsystem = 'jwglxt'\n";
        assert_eq!(
            merged(base, over).unwrap(),
            "{ news = { kind = none }, academic = [{ id = a, system = jwglxt, name = n }] }"
        );
    }

    #[test]
    fn an_id_that_is_there_twice_is_named_with_its_line() {
        let root = parse("x", "[[times]]\nid = 'a'\n[[times]]\nid = 'b'\n[[times]]\nid = 'a'\n").unwrap();
        let problems = duplicates(&root);
        assert_eq!(problems.iter().map(|problem| problem.at.line).collect::<Vec<_>>(), [Some(6)]);
    }
}
