//! The menu (`index_cxMenuList.html`): the functions that the school has switched on. So far only the command `parse`
//! reads it.

use serde::Serialize;
use serde_json::Value;

use super::rows::Row;
use super::signals::json_of;
use crate::campus::page::PageError;

/// Name of this answer on the command line and in errors.
const PAGE: &str = "zf-menu";

/// An entry of the menu.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MenuEntry {
    /// Its title.
    pub name: String,
    /// Number of its function (`gnmkdm`); may be empty where it only holds others.
    pub function: String,
    /// Path of its page; empty where it only holds others.
    pub url: String,
    /// The entries below it.
    pub entries: Vec<MenuEntry>,
}

/// Reads the menu, a tree of entries. A school that shows students nothing has an empty one. An entry without a name,
/// or a menu without any function or path, is an error.
pub fn parse_menu(body: &str) -> Result<Vec<MenuEntry>, PageError> {
    let missing = |missing| PageError::Changed { page: PAGE, missing };
    let entries: Option<Vec<MenuEntry>> = match &json_of(body, PAGE)? {
        Value::Array(list) => list.iter().map(entry).collect(),
        root => entry(root).map(|root| vec![root]),
    };
    let entries = entries.ok_or_else(|| missing("name"))?;
    if !entries.is_empty() && !has(&entries, |entry| !entry.function.is_empty()) {
        return Err(missing("gnmkdm"));
    }
    if !entries.is_empty() && !has(&entries, |entry| !entry.url.is_empty()) {
        return Err(missing("url"));
    }
    Ok(entries)
}

/// `None` unless it and all below it have names. By which key an entry holds others is not known, so every list of such
/// objects is taken.
fn entry(value: &Value) -> Option<MenuEntry> {
    let row = Row::of(value)?;
    let name = Some(row.text("name")).filter(|name| !name.is_empty())?;
    let lists = value.as_object()?.values().filter_map(Value::as_array);
    let below = lists.filter(|list| list.iter().any(|value| value.get("name").or(value.get("gnmkdm")).is_some()));
    let entries = below.flatten().map(entry).collect::<Option<_>>()?;
    Some(MenuEntry { name, function: row.text("gnmkdm"), url: row.text("url"), entries })
}

/// Whether any of these entries, or any below them, is such a one.
fn has(entries: &[MenuEntry], is: fn(&MenuEntry) -> bool) -> bool {
    entries.iter().any(|entry| is(entry) || has(&entry.entries, is))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campus::page::Layer;
    use crate::campus::page::fixture::{fixture, mutilated};

    fn leaf(name: &str, function: &str, url: &str) -> MenuEntry {
        MenuEntry { name: name.to_owned(), function: function.to_owned(), url: url.to_owned(), entries: Vec::new() }
    }

    #[test]
    fn the_menu_is_read_as_a_tree() {
        let study = MenuEntry {
            entries: vec![
                leaf("个人课表查询", "N2151", "/kbcx/xskbcx_cxXskbcxIndex.html"),
                leaf("学生成绩查询", "N305005", "/cjcx/cjcx_cxDgXscj.html"),
                leaf("考试信息查询", "N358105", "/kwgl/kscx_cxXsksxxIndex.html"),
                leaf("学生学业情况查询", "N105515", "/xsxy/xsxyqk_cxXsxyqkIndex.html"),
            ],
            ..leaf("信息查询", "N100", "")
        };
        let rooms = leaf("查询空闲教室", "N2155", "/cdjy/cdjy_cxKxcdlb.html");
        assert_eq!(parse_menu(&fixture("jwglxt/menu.json")), Ok(vec![study, rooms]));
    }

    #[test]
    fn the_key_of_the_lower_entries_does_not_matter_and_a_tree_may_have_a_root() {
        let whole = fixture("jwglxt/menu.json");
        let menu = parse_menu(&whole);
        assert_eq!(parse_menu(&whole.replace("\"children\"", "\"childList\"")), menu);
        let root = parse_menu(&format!(r#"{{"name":"学生","icons":["a"],"menu":{whole}}}"#)).unwrap();
        assert_eq!((root.len(), root[0].name.as_str()), (1, "学生"));
        assert_eq!(Ok(root[0].entries.clone()), menu);
    }

    #[test]
    fn a_menu_with_nothing_in_it_is_empty() {
        assert_eq!(parse_menu("[]"), Ok(vec![]));
    }

    #[test]
    fn a_menu_without_its_keys_is_changed_and_never_an_empty_one() {
        let whole = fixture("jwglxt/menu.json");
        for key in ["name", "gnmkdm", "url"] {
            let error = parse_menu(&whole.replace(&format!("\"{key}\""), "\"other\"")).unwrap_err();
            assert_eq!(error, PageError::Changed { page: PAGE, missing: key });
        }
        let nameless = whole.replace("\"name\":\"学生成绩查询\"", "\"name\":\"\"");
        for other in ["null", "{}", "[1]", "[{}]", &nameless] {
            assert_eq!(parse_menu(other), Err(PageError::Changed { page: PAGE, missing: "name" }), "{other}");
        }
    }

    #[test]
    fn another_answer_is_no_menu() {
        let error = |name: &str| parse_menu(&fixture(name)).unwrap_err();
        assert_eq!(parse_menu(""), Err(PageError::SessionExpired(Layer::Jwglxt)));
        assert_eq!(error("jwglxt/login-page.html"), PageError::SessionExpired(Layer::Jwglxt));
        assert_eq!(error("maintenance.gbk.html"), PageError::Maintenance);
        assert!(matches!(error("jwglxt/no-function.html"), PageError::Closed(..)));
        assert!(matches!(error("garbage.html"), PageError::Changed { .. }));
    }

    proptest! {
        #[test]
        fn a_mutilated_menu_is_an_error_or_no_empty_one(body in mutilated("jwglxt/menu.json")) {
            if let Ok(entries) = parse_menu(&body) {
                prop_assert!(has(&entries, |entry| !entry.function.is_empty() && !entry.name.is_empty()));
            }
        }
    }
}
