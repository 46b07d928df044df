//! Articles to read and to search, where nobody waits for the spider: invented ones, stored as the engine stores those that
//! it collects. The same number always makes the same articles.

use mongodb::bson::{Bson, DateTime, Document, doc};

use crate::{Failure, members::Members, stack::Stack};

/// Most articles of one collection.
const MAX_COUNT: u64 = 2000;

/// The day of the newest article, 29 December 2017, as the moment when it begins at the university.
const NEWEST: i64 = 1_514_476_800_000;

const HOUR: i64 = 3_600_000;

/// How many.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How many articles of each kind
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=MAX_COUNT))]
    count: u64,
}

/// The kinds, by their collections.
#[derive(Debug, Clone, Copy)]
enum Kind {
    News,
    Logistics,
    Lectures,
    Notices,
}

impl Kind {
    const ALL: [Self; 4] = [Self::News, Self::Logistics, Self::Lectures, Self::Notices];

    fn collection(self) -> &'static str {
        match self {
            Self::News => "news",
            Self::Logistics => "logistics",
            Self::Lectures => "lectures",
            Self::Notices => "notices",
        }
    }
}

/// Stores those that are not there yet.
///
/// # Errors
/// When there is no primary, or it refuses.
pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let members = Members::new(Stack::from_environment()?)?;
    for kind in Kind::ALL {
        let articles = (0..arguments.count).map(|index| article(kind, index)).collect::<Result<Vec<_>, _>>()?;
        let new = members.add(kind.collection(), articles).await?;
        println!("{}: {new} new, {} in all", kind.collection(), arguments.count);
    }
    Ok(())
}

const PLACES: [&str; 6] =
    ["1号教学楼1304", "3号教学楼3201", "理化综合楼B区报告厅", "图书馆二楼报告厅", "测绘综合楼501", "大学生活动中心"];
const SPEAKERS: [&str; 6] = ["李明远", "王思齐", "陈建国", "赵晓燕", "刘文博", "周静怡"];
const SCHOOLS: [&str; 8] =
    ["能源学院", "机械学院", "计算机学院", "测绘学院", "数信学院", "外语学院", "土木学院", "材料学院"];
const TOPICS: [&str; 8] = [
    "煤矿瓦斯治理的新进展",
    "分布式系统中的一致性",
    "唐诗里的中原风物",
    "从遥感影像看黄河变迁",
    "高等数学学习方法谈",
    "机械设计中的可靠性",
    "学术论文写作与规范",
    "大学生职业生涯规划",
];
const NEWS: [&str; 6] = [
    "举办第{n}期青年教师教学沙龙",
    "学子在全国大学生竞赛中获奖",
    "召开教学工作例会",
    "与企业签订产学研合作协议",
    "开展冬季校园安全检查",
    "举行科技文化节开幕式",
];
const NEWS_TAGS: [&str; 3] = ["校园快讯", "院系动态", "综合新闻"];
const LOGISTICS: [&str; 6] = [
    "关于{p}区域检修停水的通知",
    "学生公寓冬季供暖安排",
    "南校区第{n}食堂调整营业时间",
    "关于{p}照明线路维修的公告",
    "校园班车时刻表更新",
    "饮用水设备清洗消毒公示",
];
const LOGISTICS_TAGS: [&str; 2] = ["通知公告", "后勤动态"];
const NOTICES: [&str; 6] = [
    "关于期末考试安排的通知",
    "关于选课退课的补充说明",
    "奖学金评定结果公示（第{n}批）",
    "关于做好学籍信息核对工作的通知",
    "大学生创新创业训练计划申报通知",
    "图书馆延长开放时间的通知",
];

fn pick<'a>(list: &[&'a str], index: u64) -> &'a str {
    let length = u64::try_from(list.len()).unwrap_or(1);
    usize::try_from(index % length).ok().and_then(|at| list.get(at)).copied().unwrap_or_default()
}

fn article(kind: Kind, index: u64) -> Result<Document, Failure> {
    // Two of a day, as it happens: their order must not depend on the date alone.
    let published = NEWEST - i64::try_from(index / 2)? * 24 * HOUR;
    let day = DateTime::from_millis(published + 8 * HOUR).try_to_rfc3339_string()?;
    let day = day.split('T').next().unwrap_or_default();
    let fill =
        |template: &str| template.replace("{n}", &(index % 5 + 1).to_string()).replace("{p}", pick(&PLACES, index / 3));
    let mut article = match kind {
        Kind::News => {
            let (school, what) = (pick(&SCHOOLS, index / 2), fill(pick(&NEWS, index)));
            doc! {
                "key": format!("https://news.example.com/contents/543/{}.html", 90_000 - index),
                "title": format!("{school}{what}"),
                "time": day,
                "tag": pick(&NEWS_TAGS, index),
                "content": format!(
                    "<p>近日，{school}{what}。学院负责人及师生代表参加活动。</p><p>与会人员围绕教学与科研工作进行了交流，并就下一阶段的安排达成共识。</p>"
                ),
            }
        }
        Kind::Logistics => {
            let title = fill(pick(&LOGISTICS, index));
            let content = format!(
                "<p>各单位、全体师生：</p><p>{title}，请相互转告并提前做好准备。给您带来的不便，敬请谅解。</p><p>后勤服务中心</p>"
            );
            doc! {
                "key": format!("https://logistics.example.com/dsh/Pchome/newsInfoDesc?id={}", 7000 - index),
                "title": title,
                "time": day,
                "tag": pick(&LOGISTICS_TAGS, index),
                "content": content,
            }
        }
        Kind::Lectures => {
            let title = format!("{}（第{}讲）", pick(&TOPICS, index), index / 8 + 1);
            let time = format!("{day} {}:00", 14 + index % 6);
            doc! {
                "key": format!("{title} {time}"),
                "title": title,
                "time": time,
                "content": format!(
                    "主讲人将结合多年的研究与教学经历，介绍{}的背景、方法与前沿问题，并与听众交流。欢迎感兴趣的同学参加。",
                    pick(&TOPICS, index)
                ),
                "place": pick(&PLACES, index),
                "speaker": format!("{} 教授", pick(&SPEAKERS, index)),
            }
        }
        Kind::Notices => {
            let title = fill(pick(&NOTICES, index));
            // Every third one is a file, as on the real board.
            let href =
                (index % 3 == 2).then(|| format!("https://files.example.com/notice/{}.doc", 500 - index.min(500)));
            let content = if href.is_some() {
                String::new()
            } else {
                format!("{title}。请各学院及时传达到每一位学生，具体要求见教务处主页。联系电话：0391-0000000。")
            };
            let mut notice = doc! {
                "key": format!("https://bulletin.example.com/swfweb/notice.aspx?id={}", 30_000 - index),
                "title": title,
                "time": day,
                "content": content,
            };
            notice.extend(href.map(|href| ("href".to_owned(), Bson::from(href))));
            notice
        }
    };
    article.extend(doc! { "publishedAt": DateTime::from_millis(published), "timestamp": DateTime::now() });
    Ok(article)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn made(kind: Kind, count: u64) -> Vec<Document> {
        (0..count).map(|index| article(kind, index).unwrap()).collect()
    }

    #[test]
    fn invented_articles_are_the_same_every_time_and_no_two_share_a_key() {
        for kind in Kind::ALL {
            let texts = |articles: &[Document]| -> Vec<[String; 3]> {
                let text = |article: &Document, field| article.get_str(field).unwrap().to_owned();
                articles.iter().map(|a| [text(a, "key"), text(a, "title"), text(a, "content")]).collect()
            };
            let first = texts(&made(kind, MAX_COUNT));
            assert_eq!(first, texts(&made(kind, MAX_COUNT)));
            let keys: HashSet<&str> = first.iter().map(|[key, ..]| key.as_str()).collect();
            assert_eq!(keys.len(), first.len(), "{kind:?}");
            assert!(first.iter().all(|[_, title, _]| !title.is_empty()), "{kind:?}");
            assert!(!first.iter().flatten().any(|text| text.contains('{')), "{kind:?}");
        }
    }

    #[test]
    fn an_article_is_sorted_by_the_day_that_it_shows() {
        let lecture = article(Kind::Lectures, 3).unwrap();
        assert_eq!(lecture.get_str("time").unwrap(), "2017-12-28 17:00");
        let published = lecture.get_datetime("publishedAt").unwrap();
        assert_eq!(published.try_to_rfc3339_string().unwrap(), "2017-12-27T16:00:00Z");
    }

    #[test]
    fn every_kind_of_article_is_among_them() {
        let notices = made(Kind::Notices, 6);
        let is_file = |notice: &Document| notice.contains_key("href");
        assert!(notices.iter().any(is_file) && !notices.iter().all(is_file));
        assert!(made(Kind::Lectures, 6).iter().all(|l| l.contains_key("place") && l.contains_key("speaker")));
    }
}
