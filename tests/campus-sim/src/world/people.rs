//! Invents a student from his number.

use super::{courses, library, scores};
use crate::rng::Rng;
use crate::student::{FitnessTest, Student};

const SURNAMES: [&str; 40] = [
    "赵", "钱", "孙", "李", "周", "吴", "郑", "王", "冯", "陈", "褚", "卫", "蒋", "沈", "韩", "杨", "朱", "秦", "许",
    "何", "吕", "施", "张", "孔", "曹", "严", "华", "金", "魏", "陶", "姜", "戚", "谢", "邹", "喻", "欧阳", "司马",
    "上官", "诸葛", "夏侯",
];

const GIVEN: [&str; 60] = [
    "安", "柏", "辰", "大", "冬", "恩", "帆", "国", "涵", "浩", "恒", "慧", "嘉", "建", "静", "娟", "凯", "可", "岚",
    "乐", "丽", "林", "玲", "龙", "曼", "明", "宁", "鹏", "萍", "琪", "倩", "晴", "然", "蓉", "睿", "珊", "诗", "思",
    "涛", "婷", "薇", "文", "曦", "晓", "欣", "雅", "妍", "阳", "瑶", "一", "艺", "颖", "雨", "元", "远", "悦", "泽",
    "哲", "致", "子",
];

/// College, major, and the short form of the major that class names begin with.
const MAJORS: [(&str, &str, &str); 10] = [
    ("测绘与国土信息工程学院", "遥感科学与技术", "遥感"),
    ("电气工程与自动化学院", "测控技术与仪器", "测控"),
    ("能源科学与工程学院", "采矿工程", "采矿"),
    ("安全科学与工程学院", "消防工程", "消防"),
    ("材料科学与工程学院", "无机非金属材料工程", "无机"),
    ("机械与动力工程学院", "车辆工程", "车辆"),
    ("工商管理学院", "物流管理", "物流"),
    ("数学与信息科学学院", "信息与计算科学", "信计"),
    ("建筑与艺术设计学院", "城乡规划", "规划"),
    ("外国语学院", "翻译", "翻译"),
];

/// A region code that was never assigned (a prefecture has no county 99), so that no invented number belongs to a
/// person.
const REGION: &str = "410899";

/// The last six characters of a student number, padded: what the ready-made passwords end with.
fn tail(number: &str) -> String {
    let skip = number.chars().count().saturating_sub(6);
    format!("{:0>6}", number.chars().skip(skip).collect::<String>())
}

/// A Chinese name.
pub(crate) fn name(rng: &mut Rng) -> String {
    let mut name = String::from(*rng.pick(&SURNAMES));
    let given = if rng.chance(75) { 2 } else { 1 };
    name.extend((0..given).map(|_| *rng.pick(&GIVEN)));
    name
}

/// Weights of the first 17 digits in the check sum.
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/// An identity number with a right check character (GB 11643-1999, MOD 11-2).
fn id_number(rng: &mut Rng, male: bool) -> String {
    let (year, month, day) = (rng.between(1996, 1999), rng.between(1, 12), rng.between(1, 28));
    let serial = rng.between(0, 499) * 2 + u32::from(male);
    let body = format!("{REGION}{year}{month:02}{day:02}{serial:03}");
    let sum: u32 = body.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let check = char::from(b"10X98765432"[(sum % 11) as usize]);
    format!("{body}{check}")
}

fn fitness(rng: &mut Rng, male: bool) -> Vec<FitnessTest> {
    let mut height = if male { rng.between(165, 188) } else { rng.between(153, 174) };
    ["2015", "2016", "2017"]
        .into_iter()
        .map(|year| {
            height += rng.between(0, 1);
            let (minutes, seconds) = (rng.between(3, 4), rng.between(0, 59));
            FitnessTest {
                year: year.to_owned(),
                height: height.to_string(),
                weight: format!("{}.{}", rng.between(45, 80), rng.between(0, 9)),
                vital_capacity: (rng.between(250, 520) * 10).to_string(),
                long_jump: rng.between(150, 265).to_string(),
                sprint: format!("{}.{}", rng.between(6, 9), rng.between(0, 9)),
                flexion: format!("{}.{}", rng.between(2, 24), rng.between(0, 9)),
                long_run: if rng.chance(50) {
                    format!("{minutes}:{seconds:02}")
                } else {
                    format!("{minutes}'{seconds:02}\"")
                },
                pull_or_situp: if male { rng.between(1, 18) } else { rng.between(20, 52) }.to_string(),
                // The test of the running year has no total yet.
                total_score: if year == "2017" {
                    String::new()
                } else {
                    format!("{}.{}", rng.between(60, 95), rng.between(0, 9))
                },
            }
        })
        .collect()
}

/// Everything about the student with this number; the same for the same seed and number.
pub(super) fn invent(seed: u64, number: &str) -> Student {
    let mut rng = Rng::of(seed, "student", number);
    let male = rng.chance(55);
    let (college, major, short) = *rng.pick(&MAJORS);
    let tail = tail(number);
    let courses = courses::invent(&mut rng);
    let scores = scores::invent(&mut rng, number);
    Student {
        number: number.to_owned(),
        name: name(&mut rng),
        gender: if male { "男" } else { "女" }.to_owned(),
        id_number: id_number(&mut rng, male),
        college: college.to_owned(),
        major: major.to_owned(),
        class_name: format!("{short}150{}", rng.between(1, 4)),
        vpn_password: format!("vpn-{tail}"),
        urp_password: format!("jwc-{tail}"),
        library_password: format!("lib-{tail}"),
        cas_password: format!("uia-{tail}"),
        eams_password: format!("eams-{tail}"),
        zf_password: format!("zf-{tail}"),
        courses,
        scores,
        loans: library::invent_loans(seed, &mut rng),
        fitness: fitness(&mut rng, male),
    }
}

#[cfg(test)]
mod tests {
    use super::invent;

    #[test]
    fn the_ready_made_student_has_the_documented_passwords() {
        let student = invent(2017, "311509000001");
        assert_eq!(student.vpn_password, "vpn-000001");
        assert_eq!(student.urp_password, "jwc-000001");
        assert_eq!(student.library_password, "lib-000001");
        assert_eq!(student.cas_password, "uia-000001");
        assert_eq!(student.eams_password, "eams-000001");
        assert_eq!(student.id_number.len(), 18);
    }

    #[test]
    fn short_numbers_get_padded_passwords() {
        assert_eq!(invent(1, "42").vpn_password, "vpn-000042");
    }

    #[test]
    fn every_table_has_scheduled_and_unscheduled_courses() {
        for index in 0..300 {
            let student = invent(2017, &format!("311509{index:06}"));
            assert!((6..=9).contains(&student.courses.len()), "{} courses", student.courses.len());
            assert!(student.courses.iter().any(|course| course.sessions.is_empty()));
            assert!(student.courses.iter().any(|course| course.sessions.len() > 1));
            let mut slots: Vec<_> =
                student.courses.iter().flat_map(|c| &c.sessions).map(|s| (s.weekday, s.section)).collect();
            let all = slots.len();
            slots.sort_unstable();
            slots.dedup();
            assert_eq!(slots.len(), all, "two sessions at one time");
        }
    }
}
