//! Lists in pages.

use axum::response::Response;
use serde_json::{Value, json};

use super::{Asked, Shown, signals};
use crate::faults::Mode;
use crate::page;

/// Items of a page where the system keeps pages small.
const SMALL: usize = 5;

/// The page of a list that the form asks for.
pub(super) fn list(asked: &Asked<'_>, items: &[Value]) -> Shown {
    let form = asked.form;
    let number = |name: &str| form.get(name).parse::<usize>().ok().filter(|number| *number > 0);
    let (Some(wanted), Some(current)) = (number("queryModel.showCount"), number("queryModel.currentPage")) else {
        return Err("a list is asked for in pages");
    };
    let complete = ["page", "rows", "sidx", "sord"].iter().all(|name| form.find(name).is_some());
    if asked.visit.form(Mode::StrictGrid).is_some() && !complete {
        return Ok(page::utf8_html(&signals::error("错误提示")));
    }
    let items: &[Value] = if asked.visit.empty { &[] } else { items };
    let size = if asked.visit.form(Mode::SmallPages).is_some() { SMALL } else { wanted };
    let shown = items.chunks(size).nth(current - 1).unwrap_or_default();
    Ok(answer(items.len(), size, current, shown))
}

fn answer(total: usize, size: usize, current: usize, shown: &[Value]) -> Response {
    super::json(&json!({
        "currentPage": current,
        "currentResult": (current - 1) * size,
        "entityOrField": false,
        "items": shown,
        "limit": 15,
        "offset": 0,
        "pageNo": 0,
        "pageSize": 15,
        "showCount": size,
        "sorts": [],
        "totalCount": total,
        "totalPage": total.div_ceil(size),
        "totalResult": total,
    }))
}
