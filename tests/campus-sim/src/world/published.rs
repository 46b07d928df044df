//! Invents news, notices and lectures.

use super::catalog::BUILDINGS;
use super::people;
use crate::feeds::{Feed, FeedItem, FeedKind, Feeds, Lecture};
use crate::rng::Rng;

/// Number of items of each, and the id of the oldest.
const NEWS: (u32, u32) = (37, 90_001);
const LOGISTICS: (u32, u32) = (25, 1);
const NOTICES: (u32, u32) = (12, 1);
const LECTURES: u32 = 8;

/// The newest item's day of the year 2017: 1 December.
const NEWEST: u32 = 335;

// 13 topics and 7 forms: the item's number selects both, so titles repeat only after 91 items.
const NEWS_TOPICS: [&str; 13] = [
    "本科教学",
    "学科建设",
    "科技创新",
    "安全稳定",
    "就业创业",
    "校园文化",
    "国际交流",
    "志愿服务",
    "图书资料",
    "实验室建设",
    "学风建设",
    "校友联络",
    "体育竞赛",
];
const NEWS_FORMS: [(&str, &str); 7] = [
    ("我校召开", "工作推进会"),
    ("学校举行", "专题报告会"),
    ("我校", "工作取得新进展"),
    ("校领导调研", "工作"),
    ("学校部署新学期", "工作"),
    ("我校获", "先进单位称号"),
    ("“", "月”系列活动启动"),
];
const NEWS_TAGS: [&str; 6] = ["宣传部", "教务处", "科技处", "学生处", "校团委", "国际交流处"];

const LOGISTICS_TOPICS: [&str; 13] = [
    "冬季供暖",
    "学生食堂",
    "浴池开放",
    "校车运行",
    "快递收发",
    "公寓用电",
    "校园绿化",
    "饮用水",
    "垃圾分类",
    "电梯检修",
    "管网改造",
    "节能减排",
    "防汛",
];
const LOGISTICS_FORMS: [(&str, &str); 7] = [
    ("关于", "的通知"),
    ("关于调整", "时间的通知"),
    ("", "温馨提示"),
    ("", "工作简报"),
    ("后勤集团开展", "专项检查"),
    ("", "服务问卷调查"),
    ("", "停运检修公告"),
];
const LOGISTICS_TAGS: [&str; 4] = ["通知公告", "工作动态", "服务指南", "集团新闻"];

const NOTICE_TOPICS: [&str; 13] = [
    "选课",
    "期末考试",
    "奖学金评定",
    "学生证补办",
    "英语等级考试报名",
    "教材领取",
    "转专业",
    "创新项目申报",
    "宿舍调整",
    "图书归还",
    "医保缴费",
    "普通话测试",
    "毕业论文",
];
const NOTICE_FORMS: [(&str, &str); 7] = [
    ("关于", "工作的通知"),
    ("", "安排"),
    ("", "补充通知"),
    ("关于", "有关事项的说明"),
    ("", "名单公示"),
    ("", "须知"),
    ("", "办法(试行)"),
];

const SENTENCES: [&str; 12] = [
    "会议总结了上一阶段的工作，对下一步任务作出安排。",
    "与会人员围绕重点、难点问题进行了交流 & 讨论。",
    "请各单位高度重视，认真组织，按时完成。",
    "具体时间、地点以现场通知为准。",
    "有关材料请于本周五16:00前交到办公室302房间。",
    "如有疑问，请在工作时间来电咨询（分机<6000>）。",
    "活动得到了师生的广泛关注和积极参与。",
    "参加人数比去年同期增长12.5%。",
    "各学院要结合实际，制定切实可行的实施方案。",
    "此项工作将持续到学期末，期间给您带来不便，敬请谅解。",
    "师生们表示，要把学到的经验运用到今后的学习和工作中。",
    "最终解释权归主办单位所有。",
];

const LECTURE_TITLES: [&str; 8] = [
    "遥感影像智能解译的若干问题",
    "煤层气高效开发技术进展",
    "浅谈大数据与“智慧矿山”",
    "从《诗经》看古代中原风物",
    "微分方程的对称 & 守恒律",
    "新型电力系统的安全稳定运行",
    "How to Write a Good Paper",
    "创业者的第一堂课",
];

/// Everything that is published when the simulator starts.
pub(crate) fn invent(seed: u64) -> Feeds {
    let news = feed(seed, "news", NEWS, &NEWS_TOPICS, &NEWS_FORMS, &NEWS_TAGS);
    let logistics = feed(seed, "logistics", LOGISTICS, &LOGISTICS_TOPICS, &LOGISTICS_FORMS, &LOGISTICS_TAGS);
    let mut bulletin = feed(seed, "bulletin", NOTICES, &NOTICE_TOPICS, &NOTICE_FORMS, &[""]);
    for item in &mut bulletin.0 {
        item.images.clear();
        let extension = match item.id {
            3 => "pdf",
            7 => "doc",
            11 => "zip",
            _ => continue,
        };
        let name = format!("{}.{extension}", item.id);
        item.kind = FeedKind::File { name, bytes: file(extension, &item.title) };
    }
    let lectures = (0..LECTURES).zip(LECTURE_TITLES).map(|(index, title)| lecture(seed, index, title)).collect();
    Feeds { news, logistics, bulletin, lectures }
}

/// `count` items, the oldest with the lowest id.
fn feed(
    seed: u64,
    system: &str,
    (count, oldest): (u32, u32),
    topics: &[&str; 13],
    forms: &[(&str, &str); 7],
    tags: &[&str],
) -> Feed {
    let mut day = NEWEST;
    let mut items: Vec<_> = (0..count)
        .map(|index| {
            let id = oldest + count - 1 - index;
            let mut rng = Rng::of(seed, system, &id.to_string());
            day = day.saturating_sub(if index == 0 { 0 } else { rng.between(0, 3) }).max(1);
            let (before, after) = forms[id as usize % forms.len()];
            FeedItem {
                id,
                title: format!("{before}{}{after}", topics[id as usize % topics.len()]),
                date: date(day),
                tag: (*rng.pick(tags)).to_owned(),
                paragraphs: (0..rng.between(2, 5)).map(|_| paragraph(&mut rng)).collect(),
                images: (0..rng.between(0, 2)).map(|n| format!("/{system}/upload/{id}-{n}.jpg")).collect(),
                ..FeedItem::default()
            }
        })
        .collect();
    items.reverse();
    Feed(items)
}

fn paragraph(rng: &mut Rng) -> String {
    (0..rng.between(1, 4)).map(|_| *rng.pick(&SENTENCES)).collect()
}

/// A day of the year 2017 as `2017-12-01`.
fn date(day: u32) -> String {
    let (mut month, mut left) = (1, day);
    for days in [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if left <= days {
            break;
        }
        left -= days;
        month += 1;
    }
    format!("2017-{month:02}-{left:02}")
}

fn lecture(seed: u64, index: u32, title: &str) -> Lecture {
    let mut rng = Rng::of(seed, "lecture", title);
    let building = rng.pick(&BUILDINGS);
    Lecture {
        title: title.to_owned(),
        speaker: format!("{} 教授", people::name(&mut rng)),
        time: format!("2017年12月{}日 {}:{}0", LECTURES * 2 - index * 2, rng.between(8, 20), rng.pick(&["0", "3"])),
        place: if rng.chance(50) {
            format!("{}报告厅", building.name)
        } else {
            format!("{}{}", building.name, building.room(2, 0))
        },
        content: format!("{}{}", title, paragraph(&mut rng)),
    }
}

/// A file that is what its name says, as far as its first bytes (for zip: all of them) tell.
fn file(extension: &str, title: &str) -> Vec<u8> {
    match extension {
        "pdf" => b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n".to_vec(),
        "doc" => {
            // Head of a compound file, sectors of 512 bytes; a directory with the stream of Word's text; the text.
            let mut bytes = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
            bytes.resize(512, 0);
            for (name, object) in [("Root Entry", 5), ("WordDocument", 2)] {
                let start = bytes.len();
                bytes.extend(name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
                let length = u8::try_from(bytes.len() - start).unwrap_or(0);
                bytes.resize(start + 64, 0);
                bytes.extend([length, 0, object]);
                bytes.resize(start + 128, 0);
            }
            bytes.resize(1024, 0);
            bytes.extend(encoding_rs::GBK.encode(title).0.iter());
            bytes.resize(2048, 0xff);
            bytes
        }
        _ => empty_in_zip("readme.txt"),
    }
}

/// A zip archive with one empty file.
fn empty_in_zip(name: &str) -> Vec<u8> {
    let length = u8::try_from(name.len()).unwrap_or(0);
    let name = &name.as_bytes()[..usize::from(length)];
    // Local header: version 1.0, stored, 1 December 2017; checksum and sizes of nothing are 0.
    let common: [u8; 22] = [10, 0, 0, 0, 0, 0, 0, 0, 0x81, 0x4b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut zip = b"PK\x03\x04".to_vec();
    zip.extend(common);
    zip.extend([length, 0, 0, 0]);
    zip.extend(name);
    let directory = zip.len();
    zip.extend(b"PK\x01\x02\x0a\x00");
    zip.extend(common);
    zip.extend([length, 0]);
    zip.extend([0; 16]);
    zip.extend(name);
    let size = zip.len() - directory;
    zip.extend(b"PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00");
    for number in [size, directory] {
        zip.extend(u32::try_from(number).unwrap_or(0).to_le_bytes());
    }
    zip.extend([0, 0]);
    zip
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{date, invent};
    use crate::feeds::FeedKind;

    #[test]
    fn there_is_as_much_as_promised_and_nothing_twice() {
        let feeds = invent(2017);
        for (feed, count, newest) in [(&feeds.news, 37, 90_037), (&feeds.logistics, 25, 25), (&feeds.bulletin, 12, 12)]
        {
            let items = feed.listed();
            assert_eq!((items.len(), items[0].id), (count, newest));
            assert_eq!(items[0].date, "2017-12-01");
            assert!(items.is_sorted_by(|a, b| a.date >= b.date && a.id > b.id));
            assert_eq!(items.iter().map(|item| &item.title).collect::<HashSet<_>>().len(), count);
        }
        assert_eq!(feeds.lectures.len(), 8);
        assert!(feeds.news.0.iter().any(|item| !item.images.is_empty()));
    }

    #[test]
    fn three_notices_are_files_with_the_magic_bytes_of_their_kind() {
        let magic = |id| match &invent(2017).bulletin.find(id).unwrap().kind {
            FeedKind::File { name, bytes } => (name.clone(), bytes[..4].to_vec()),
            FeedKind::Html => panic!("not a file"),
        };
        assert_eq!(magic(3), ("3.pdf".to_owned(), b"%PDF".to_vec()));
        assert_eq!(magic(7), ("7.doc".to_owned(), b"\xd0\xcf\x11\xe0".to_vec()));
        assert_eq!(magic(11), ("11.zip".to_owned(), b"PK\x03\x04".to_vec()));
    }

    #[test]
    fn days_of_the_year_become_dates() {
        assert_eq!(
            [1, 31, 32, 59, 60, 335, 365].map(date),
            ["2017-01-01", "2017-01-31", "2017-02-01", "2017-02-28", "2017-03-01", "2017-12-01", "2017-12-31"]
        );
    }
}
