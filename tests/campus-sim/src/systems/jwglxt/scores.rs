//! Scores.

use serde_json::{Value, json};

use super::classes::{class_id, credit};
use super::term_data::{half_code, term_of};
use super::{Asked, Shown, paging};
use crate::world::{Marked, TERMS, Term};

/// The scores of the term that the form names, or of all terms.
pub(super) fn scores(asked: &Asked<'_>) -> Shown {
    let form = asked.form;
    if asked.call.query.get("doType") != "query" {
        return Err("scores are asked for with doType=query");
    }
    let all = form.get("xnm").is_empty() && form.get("xqm").is_empty();
    let wanted = term_of(form);
    let terms = TERMS.into_iter().rev().filter(|term| all || wanted == Some(*term));
    let items: Vec<Value> = terms
        .flat_map(|term| {
            let marks = asked.sim.world().marks_of(asked.student, term);
            marks.into_iter().flat_map(move |marked| rows(term, &marked))
        })
        .collect();
    paging::list(asked, &items)
}

/// The rows of a score: none while there is no mark. Before a second try stands the first one, declared void as well.
fn rows(term: Term, Marked { score, status }: &Marked) -> Vec<Value> {
    if score.mark.is_empty() {
        return Vec::new();
    }
    let row = |mark: &str, kind: &str, code: &str, void: &str| {
        let number = number_of(mark);
        let point = if number < 60 { 0 } else { number - 50 };
        json!({
            "kch": score.number,
            "kch_id": score.number,
            "kcmc": score.name,
            "xf": credit(&score.credit),
            "cj": mark,
            "bfzcj": number.to_string(),
            "jd": format!("{}.{}0", point / 10, point % 10),
            "ksxz": kind,
            "ksxzdm": code,
            "kcxzmc": score.kind,
            "kclbmc": "理论课",
            "kcbj": "主修",
            "jsxm": "",
            "jxb_id": class_id(&score.number, &score.sequence),
            "cjbdsj": format!("{}-01-19 11:08:41", term.year + 1),
            "cjsfzf": void,
            "sfxwkc": "1",
            "xnm": term.year.to_string(),
            "xnmmc": term.school_year(),
            "xqm": half_code(term),
            "xqmmc": term.half.to_string(),
        })
    };
    match *status {
        "补考" => vec![row("0", "补考", "11", "是"), row(&score.mark, "补考", "11", "否")],
        _ => vec![row(&score.mark, "正考", "01", "否")],
    }
}

/// A mark as a number.
fn number_of(mark: &str) -> u32 {
    match mark {
        "优秀" => 95,
        "良好" => 85,
        "中等" => 75,
        "及格" => 65,
        mark => mark.parse().unwrap_or(0),
    }
}
