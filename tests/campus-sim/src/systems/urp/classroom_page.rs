//! 自习教室查询: rooms without a lesson at a given time.

use std::fmt::Write as _;

use crate::call::Fields;
use crate::page::Escaped;
use crate::rng::Rng;
use crate::world::BUILDINGS;

const COLUMNS: [&str; 7] = ["序号", "校区", "教学楼", "教室", "教室类型", "座位数", "&nbsp;"];

/// The form of the first step, with the term chosen.
pub(super) fn form(term: &str) -> String {
    let mut page = head();
    let _ =
        write!(page, "<select name=\"zxxnxq\"><option value=\"{0}\" selected>{0}</option></select>\r\n", Escaped(term));
    page.push_str("<select name=\"zxJxl\">\n");
    for building in BUILDINGS {
        let _ = write!(page, "<option value=\"{}\">{}</option>\r\n", building.code, building.name);
    }
    page.push_str("</select>\n</form>\r\n</body>\n</html>\r\n");
    page
}

/// What the second step answers without the first.
pub(super) fn term_missing() -> String {
    "<html>\r\n<head><title>错误信息</title></head>\n<body>请先选择学年学期！<br></body>\r\n</html>\n".to_owned()
}

/// Free rooms of the building, week, weekday and section the form names; which ones depends on nothing else.
pub(super) fn rooms(seed: u64, query: &Fields, empty: bool) -> String {
    let mut page = head();
    page.push_str(
        "<table width=\"100%\" class=\"titleTop2\">\r\n<tr>\n<td class=\"pageAlign\">\r\n\
         <table cellpadding=\"0\" width=\"100%\" class=\"displayTag\" cellspacing=\"1\" border=\"0\" id=\"user\">\n<thead>\r\n<tr>\n",
    );
    for column in COLUMNS {
        let _ = write!(page, "<th align=\"center\" class=\"sortable\">{column}</th>\r\n");
    }
    page.push_str("</tr>\n</thead>\r\n");
    if !empty {
        rows(&mut page, seed, query);
    }
    page.push_str("\t</TABLE>\r\n</td>\n</table>\n</form>\r\n</body>\n</html>\r\n");
    page
}

fn head() -> String {
    "<html>\r\n<head>\n<title>自习教室查询</title>\r\n<link href=\"/css/newcss/project.css\" rel=\"stylesheet\" type=\"text/css\">\n\
     </head>\r\n<body leftmargin=\"0\">\n<form name=\"form\" method=\"post\">\r\n"
        .to_owned()
}

fn rows(page: &mut String, seed: u64, query: &Fields) {
    let code = query.get("zxJxl").trim_start_matches('0');
    let Some(building) = BUILDINGS.iter().find(|building| building.code.to_string() == code) else { return };
    let when = format!("{} {} {} {code}", query.get("zxZc"), query.get("zxxq"), query.get("zxJc"));
    let mut rng = Rng::of(seed, "free rooms", &when);
    let mut number = 0;
    for (room, seats, equipped) in building.all_rooms() {
        if rng.chance(60) {
            continue;
        }
        number += 1;
        let (suffix, kind) = if equipped { ("(多)", "多媒体教室") } else { ("", "普通教室") };
        let room = format!("{room}{suffix}");
        page.push_str(
            "\n<tr class=\"odd\" onMouseOut=\"this.className='even';\" onMouseOver=\"this.className='evenfocus';\">\r\n",
        );
        for value in [&number.to_string(), building.campus(), building.name, &room, kind, &seats.to_string(), ""] {
            let _ = write!(page, "\t<td>\r\n\t\t{value}\n\t</td>\r\n");
        }
        page.push_str("</tr>\r\n");
    }
}
