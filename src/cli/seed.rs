//! `wehpu-engine seed`: articles to look at where no spider has run.

use chrono::{Days, NaiveDate};

use super::Failure;
use crate::{
    clock::Clock,
    config::{Profile, read_seed},
    model::{CLASSES, Class},
    store::{Article, Put, Store, wait_for_primary},
};

/// How long to wait for a primary.
const WAIT: std::time::Duration = std::time::Duration::from_mins(1);

/// Most articles of one class.
const MAX_COUNT: u64 = 2000;

/// Fill news, logistics news, lectures and notices with invented articles.
///
/// For development: refused in the prod profile. The same number always makes the same articles; running it again adds
/// nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many articles of each class
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=MAX_COUNT))]
    count: u64,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let (profile, mongodb) = read_seed(super::environment()?)?;
    if profile == Profile::Prod {
        return Err("seed invents articles: it is only for WEHPU_PROFILE=dev".into());
    }
    let store = Store::connect(mongodb.migrate_uri(), "wehpu-engine seed").await?;
    wait_for_primary(&store, WAIT).await?;
    let clock = Clock::system();
    for class in CLASSES {
        let (mut inserted, mut changed) = (0_u64, 0_u64);
        for article in articles(class, args.count) {
            match store.articles.put(class, &article, clock.now()).await? {
                Put::Inserted => inserted += 1,
                Put::Changed => changed += 1,
                Put::Unchanged => {}
            }
        }
        println!("{}: {inserted} new, {changed} changed, {} in all", class.name(), args.count);
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

/// The day on which the newest article appeared.
fn newest() -> NaiveDate {
    NaiveDate::from_ymd_opt(2017, 12, 29).unwrap_or_default()
}

/// The `count` newest articles that could have been found.
fn articles(class: Class, count: u64) -> impl Iterator<Item = Article> {
    (0..count).map(move |index| article(class, index))
}

fn pick<'a>(list: &[&'a str], index: u64) -> &'a str {
    let length = u64::try_from(list.len()).unwrap_or(1);
    usize::try_from(index % length).ok().and_then(|at| list.get(at)).copied().unwrap_or_default()
}

fn article(class: Class, index: u64) -> Article {
    // Two of a day, as it happens: their order must not depend on the date alone.
    let day = newest().checked_sub_days(Days::new(index / 2)).unwrap_or_default();
    let fill =
        |template: &str| template.replace("{n}", &(index % 5 + 1).to_string()).replace("{p}", pick(&PLACES, index / 3));
    match class {
        Class::News => {
            let (school, what) = (pick(&SCHOOLS, index / 2), fill(pick(&NEWS, index)));
            Article {
                key: format!("https://news.example.com/contents/543/{}.html", 90_000 - index),
                title: format!("{school}{what}"),
                time: day.to_string(),
                tag: Some(pick(&NEWS_TAGS, index).to_owned()),
                content: format!(
                    "<p>近日，{school}{what}。学院负责人及师生代表参加活动。</p><p>与会人员围绕教学与科研工作进行了交流，并就下一阶段的安排达成共识。</p>"
                ),
                ..Article::default()
            }
        }
        Class::Logistics => {
            let title = fill(pick(&LOGISTICS, index));
            Article {
                key: format!("https://logistics.example.com/dsh/Pchome/newsInfoDesc?id={}", 7000 - index),
                content: format!(
                    "<p>各单位、全体师生：</p><p>{title}，请相互转告并提前做好准备。给您带来的不便，敬请谅解。</p><p>后勤服务中心</p>"
                ),
                title,
                time: day.format("%Y/%-m/%-d").to_string(),
                tag: Some(pick(&LOGISTICS_TAGS, index).to_owned()),
                ..Article::default()
            }
        }
        Class::Lecture => {
            let (title, time) = (
                format!("{}（第{}讲）", pick(&TOPICS, index), index / 8 + 1),
                format!("{} {}:00", day.format("%Y年%-m月%-d日"), 14 + index % 6),
            );
            Article {
                key: format!("{title} {time}"),
                content: format!(
                    "主讲人将结合多年的研究与教学经历，介绍{}的背景、方法与前沿问题，并与听众交流。欢迎感兴趣的同学参加。",
                    pick(&TOPICS, index)
                ),
                title,
                time,
                place: Some(pick(&PLACES, index).to_owned()),
                speaker: Some(format!("{} 教授", pick(&SPEAKERS, index))),
                ..Article::default()
            }
        }
        Class::Notice => {
            let title = fill(pick(&NOTICES, index));
            // Every third one is a file, as on the real board.
            let href =
                (index % 3 == 2).then(|| format!("https://files.example.com/notice/{}.doc", 500 - index.min(500)));
            let content = if href.is_some() {
                String::new()
            } else {
                format!("{title}。请各学院及时传达到每一位学生，具体要求见教务处主页。联系电话：0391-0000000。")
            };
            Article {
                key: format!("https://bulletin.example.com/swfweb/notice.aspx?id={}", 30_000 - index),
                title,
                time: day.to_string(),
                content,
                href,
                ..Article::default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn invented_articles_are_the_same_every_time_and_no_two_share_a_key() {
        for class in CLASSES {
            let made: Vec<Article> = articles(class, MAX_COUNT).collect();
            assert_eq!(made, articles(class, MAX_COUNT).collect::<Vec<_>>());
            let keys: HashSet<&str> = made.iter().map(|article| article.key.as_str()).collect();
            assert_eq!(keys.len(), made.len(), "{}", class.name());
            assert!(made.iter().all(|a| !a.title.is_empty() && !a.title.contains('{') && !a.content.contains('{')));
        }
    }

    #[test]
    fn every_kind_of_article_is_among_them() {
        let notices: Vec<Article> = articles(Class::Notice, 6).collect();
        assert!(notices.iter().any(|n| n.href.is_some()) && notices.iter().any(|n| !n.content.is_empty()));
        assert!(articles(Class::Lecture, 6).all(|l| l.place.is_some() && l.speaker.is_some()));
    }
}
