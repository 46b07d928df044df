//! 本学期成绩: this term's scores.

use std::fmt::Write as _;

use crate::page::Escaped;
use crate::student::Score;

const COLUMNS: [&str; 12] = [
    "课程号",
    "课序号",
    "课程名",
    "英文课程名",
    "学分",
    "课程属性",
    "课程最高分",
    "课程最低分",
    "课程平均分",
    "成绩",
    "名次",
    "未通过原因",
];

/// Scores per page.
const PER_PAGE: usize = 10;

/// Page `number` (from 1) of these scores; it looks the same without any.
pub(super) fn scores(all: &[Score], number: usize) -> String {
    let scores = all.chunks(PER_PAGE).nth(number.saturating_sub(1)).unwrap_or_default();
    let pages = all.len().div_ceil(PER_PAGE);
    let mut page = String::from(
        "\r\n\r\n\r\n\r\n<html>\r\n\t<head>\n\t\t<title></title>\r\n\
         <link href=\"/css/newcss/project.css\" rel=\"stylesheet\" type=\"text/css\">\n\t</head>\r\n\
         <body leftmargin=\"0\" topmargin=\"0\">\n<form name=\"form\" method=\"post\">\r\n\
         <table width=\"100%\" class=\"title\" id=\"tblHead\">\n<tr>\r\n<td>\n\
         <table border=\"0\" align=\"left\"><tr><td>&nbsp;</td><td>&nbsp;<b>本学期成绩查询列表</b>\r\n&nbsp;</td></tr></table>\n\
         </td>\r\n</table>\n\
         <table width=\"100%\" class=\"titleTop2\">\r\n<tr>\n<td class=\"pageAlign\">\r\n\
         <table cellpadding=\"0\" width=\"100%\" class=\"displayTag\" cellspacing=\"1\" border=\"0\" id=\"user\">\n<thead>\r\n<tr>\n",
    );
    for column in COLUMNS {
        let _ = write!(page, "\t<th align=\"center\" class=\"sortable\">\r\n\t\t{column}\n\t</th>\n");
    }
    page.push_str("</tr>\r\n");
    for score in scores {
        page.push_str(
            "\r\n<tr class=\"odd\" onMouseOut=\"this.className='even';\" onMouseOver=\"this.className='evenfocus';\">\n",
        );
        let values = [
            &score.number,
            &score.sequence,
            &score.name,
            &score.english_name,
            &score.credit,
            &score.kind,
            &score.highest,
            &score.lowest,
            &score.average,
            &score.mark,
            &score.rank,
            &score.reason,
        ];
        for value in values {
            let _ = write!(page, "\t<td align=\"center\">\r\n\t\t\r\n\t\t  {}\n\t\t\t\r\n\t</td>\n", Escaped(value));
        }
        page.push_str("</tr>\r\n");
    }
    if pages > 1 {
        let total = all.len();
        let _ = write!(
            page,
            "<tr><td colspan=\"12\" align=\"right\">共{total}项 &nbsp;每页 {PER_PAGE} 项&nbsp;第{number}/{pages}页 "
        );
        if number < pages {
            let next = number + 1;
            let _ = write!(
                page,
                "<a href=\"/bxqcjcxAction.do?totalrows={total}&page={next}&pageSize={PER_PAGE}\">下一页</a>"
            );
        }
        page.push_str("</td></tr>\r\n");
    }
    page.push_str("\n\t</TABLE>\r\n</form>\n</body>\r\n</html>\r\n");
    page
}
