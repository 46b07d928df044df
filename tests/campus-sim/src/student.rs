//! The campus data of a student: the values that the systems print and check, all invented.

use serde::{Deserialize, Serialize};

/// A student with everything the systems show of him.
///
/// As JSON (control API) the names are those of the REST world: `studentId`, `idNumber`, `vpnPassword` …
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Student {
    /// Student number, 12 digits for the seeded ones.
    #[serde(rename = "studentId")]
    pub number: String,
    /// Chinese name.
    pub name: String,
    /// `男` or `女`.
    pub gender: String,
    /// Identity number: 17 digits and a check character (digit or `X`). Its region code was never assigned.
    pub id_number: String,
    /// College (系所).
    pub college: String,
    /// Major (专业).
    pub major: String,
    /// Class (班级), for instance `测控1502`.
    pub class_name: String,
    /// Password of the VPN.
    pub vpn_password: String,
    /// Password of the academic system.
    pub urp_password: String,
    /// Password of the library.
    pub library_password: String,
    /// Password of the CAS, the university's one login.
    pub cas_password: String,
    /// Password of EAMS's own login.
    pub eams_password: String,
    /// Password of jwglxt.
    pub zf_password: String,
    /// Courses chosen this term; empty = a table without rows.
    pub courses: Vec<Course>,
    /// This term's scores; empty = none yet.
    pub scores: Vec<Score>,
    /// Books on loan; empty = none.
    pub loans: Vec<Loan>,
    /// Yearly tests of physical education, oldest first.
    pub fitness: Vec<FitnessTest>,
}

/// One chosen course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Course {
    /// Course number (课程号).
    pub number: String,
    /// Number among the parallel courses (课序号), two digits.
    pub sequence: String,
    /// Course name.
    pub name: String,
    /// Credits as printed, for instance `3.5`.
    pub credit: String,
    /// `必修`, `选修` or `任选`.
    pub kind: String,
    /// `考试` or `考查`.
    pub exam: String,
    /// Teachers; the page puts a `*` after each.
    pub teachers: Vec<String>,
    /// When and where; empty = a course without a time slot.
    pub sessions: Vec<Session>,
}

/// One weekly session of a course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Session {
    /// Weeks as printed: `1-8周上`, `6-12,14-17周上`, `1周上`, `1-12周`.
    pub weeks: String,
    /// 1 = Monday … 7 = Sunday.
    pub weekday: u8,
    /// First section: 1, 3, 5, 7, 9 (11, 13), printed as 一 三 五 七 九 …
    pub section: u8,
    /// How many sections it lasts, 2 as a rule.
    pub sections: u8,
    /// Campus, for instance `南校区`.
    pub campus: String,
    /// Building, for instance `1号教学楼`.
    pub building: String,
    /// Room, for instance `1304(多)`.
    pub room: String,
}

/// One line of this term's scores, every value as printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Score {
    /// Course number.
    pub number: String,
    /// Number among the parallel courses.
    pub sequence: String,
    /// Course name.
    pub name: String,
    /// English course name, often empty.
    pub english_name: String,
    /// Credits.
    pub credit: String,
    /// `必修` …
    pub kind: String,
    /// Best mark of the course.
    pub highest: String,
    /// Worst mark of the course.
    pub lowest: String,
    /// Average mark of the course.
    pub average: String,
    /// The student's mark: a number or a word such as `良好`.
    pub mark: String,
    /// The student's rank.
    pub rank: String,
    /// Why it was not passed; empty as a rule.
    pub reason: String,
}

/// One book on loan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Loan {
    /// Id of the book in the catalogue.
    pub book_id: String,
    /// Title.
    pub title: String,
    /// Number of the copy (馆藏号).
    pub copy_number: String,
    /// Where the copy belongs (馆藏地).
    pub place: String,
    /// How often it was renewed.
    pub renewals: u8,
    /// Lent on, `2017-11-02`.
    pub lent_on: String,
    /// Due on.
    pub due_on: String,
    /// 超期情况, for instance `未超期`; may be empty.
    pub overdue: String,
    /// Whether it can be renewed: the page then shows one more label `可续借`.
    pub renewable: bool,
}

/// The physical tests of one year, every value as printed; empty = not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FitnessTest {
    /// Calendar year.
    pub year: String,
    /// Centimetres.
    pub height: String,
    /// Kilograms.
    pub weight: String,
    /// Millilitres.
    pub vital_capacity: String,
    /// Standing jump, centimetres.
    pub long_jump: String,
    /// 50 m, seconds.
    pub sprint: String,
    /// Sit and reach, centimetres.
    pub flexion: String,
    /// 1000 m or 800 m: `3:58` or `4'05"`.
    pub long_run: String,
    /// Pull-ups or sit-ups.
    pub pull_or_situp: String,
    /// Total score.
    pub total_score: String,
}

impl Session {
    /// The weeks as numbers, ascending: `5-6,9周上` is 5, 6 and 9.
    pub(crate) fn week_numbers(&self) -> Vec<u8> {
        let spans = self.weeks.split('周').next().unwrap_or_default();
        let number = |text: &str| text.trim().parse::<u8>().ok();
        let span = |text: &str| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            Some(number(first)?..=number(last)?)
        };
        let mut weeks: Vec<u8> = spans.split(',').filter_map(span).flatten().collect();
        weeks.sort_unstable();
        weeks.dedup();
        weeks
    }
}

#[cfg(test)]
mod tests {
    use super::Session;

    #[test]
    fn weeks_as_printed_are_read_back() {
        let weeks = |text: &str| {
            let session = Session {
                weeks: text.to_owned(),
                weekday: 1,
                section: 1,
                sections: 2,
                campus: String::new(),
                building: String::new(),
                room: String::new(),
            };
            session.week_numbers()
        };
        assert_eq!(weeks("1-4周上"), [1, 2, 3, 4]);
        assert_eq!(weeks("6-7,14-15周上"), [6, 7, 14, 15]);
        assert_eq!(weeks("10,12,14周上"), [10, 12, 14]);
        assert_eq!(weeks("3周"), [3]);
        assert!(weeks("").is_empty());
    }
}
