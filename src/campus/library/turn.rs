//! Turning the pages of a catalogue list, which are postbacks too.

use super::parse_renewal::{hidden_fields, postback_of};
use crate::campus::page::{Leaf, dom::Page, pager_of, total_of};

/// Names and values of a form that is sent back to the page.
pub type Fields = Vec<(String, String)>;

/// Argument of the postbacks of a pager, before the page number or `Next`.
const TURN: &str = "Page$";

/// Page `number` of a list.
pub(super) fn leaf<T>(page: &Page<'_>, rows: Vec<T>, number: u32) -> Leaf<T, Fields> {
    let following = format!("{TURN}{}", number + 1);
    let turns: Vec<(String, String)> = page
        .all()
        .filter_map(|element| Some(postback_of(element)?.1))
        .filter(|(_, argument)| argument.starts_with(TURN))
        .collect();
    let named = |wanted: &str| turns.iter().find(|(_, argument)| argument == wanted);
    let turn = named("Page$Next").or_else(|| named(&following)).cloned();
    let next = turn.map(|(target, argument)| hidden_fields(page, target, argument));
    Leaf { rows, pager: pager_of(page), total: total_of(page), next }
}
