//! The script of the weekly table: one block of statements for each activity. A browser runs it to fill the grid; here only
//! its literals are read.

use super::weeks::Origin;
use super::{MAX_NAME, MAX_NOTE, PAGE, limited, names_in, plain, unread};
use crate::campus::eams::script::{Script, Value};
use crate::campus::page::{PageError, UnreadCell};
use crate::model::academic::Weeks;

/// Largest number of lessons in a day.
const MAX_UNITS: u32 = 30;

/// Most activities of a table; a class has some 40.
const MAX_ACTIVITIES: usize = 1000;

/// Fewest arguments of an activity: up to its weeks. Schools have 11 to 14.
const ARGUMENTS: usize = 7;

/// One activity: lessons of a course in some weeks and in one room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Activity {
    /// Number of the class.
    pub(super) lesson: String,
    /// Name of the course.
    pub(super) name: String,
    /// Teachers, without assistants.
    pub(super) teachers: Vec<String>,
    /// Room as the system writes it, with building and campus.
    pub(super) place: String,
    /// Its weeks.
    pub(super) weeks: Weeks,
    /// Remark, experiment, group and assistants.
    pub(super) note: String,
    /// Its places in the week: `day*units+unit`, both counted from 0.
    pub(super) places: Vec<u32>,
}

/// A person in the lists of teachers before an activity.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Person {
    id: Option<String>,
    name: String,
    lab: bool,
}

/// Reads the activities of a script, one after the other.
pub(super) struct Reader<'a> {
    script: &'a Script<'a>,
    /// Number of lessons in a day.
    pub(super) units: u32,
    origin: Option<Origin>,
    teachers: Vec<Person>,
    act_teachers: Vec<Person>,
    activities: Vec<Activity>,
    unread: &'a mut Vec<UnreadCell>,
}

const fn changed(missing: &'static str) -> PageError {
    PageError::Changed { page: PAGE, missing }
}

impl<'a> Reader<'a> {
    /// `None` where the script has no `unitCount`: it is not that of a weekly table.
    pub(super) fn of(script: &'a Script<'a>, unread: &'a mut Vec<UnreadCell>) -> Result<Option<Self>, PageError> {
        let mut counts = (0..script.len()).filter(|&at| script.is_word(at, "unitCount") && script.is_sign(at + 1, '='));
        let Some(units) = counts.find_map(|at| script.number(at + 2)) else { return Ok(None) };
        if !(1..=MAX_UNITS).contains(&units) {
            return Err(changed("a number of lessons in a day"));
        }
        let origin = origin(script)?;
        let (teachers, act_teachers, activities) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Some(Self { script, units, origin, teachers, act_teachers, activities, unread }))
    }

    /// The activities in the order of the script.
    pub(super) fn read(mut self) -> Result<Vec<Activity>, PageError> {
        let script = self.script;
        // The activity that the next places belong to: the last one, until the table is made.
        let mut is_open = false;
        for at in 0..script.len() {
            let assigns = script.is_sign(at + 1, '=') && !script.is_sign(at + 2, '=');
            match script.word(at) {
                Some("teachers") if assigns && script.is_sign(at + 2, '[') => self.teachers = self.people(at + 2)?,
                Some("actTeachers") if assigns && script.is_sign(at + 2, '[') => {
                    self.act_teachers = self.people(at + 2)?;
                }
                Some("activity") if assigns && script.is_word(at + 2, "new") => {
                    if !script.is_word(at + 3, "TaskActivity") || self.activities.len() == MAX_ACTIVITIES {
                        return Err(changed("an activity of the known kind"));
                    }
                    let activity = self.activity(at + 4)?;
                    self.activities.push(activity);
                    is_open = true;
                }
                Some("index") if assigns && is_open => {
                    let place = self.place(at + 2).ok_or(changed("the place of an activity"))?;
                    if let Some(activity) = self.activities.last_mut()
                        && !activity.places.contains(&place)
                    {
                        activity.places.push(place);
                    }
                }
                Some("marshalTable") => is_open = false,
                _ => {}
            }
        }
        if self.activities.iter().any(|activity| activity.places.is_empty()) {
            return Err(changed("the place of an activity"));
        }
        if self.activities.is_empty() && script.names("TaskActivity") {
            return Err(changed("an activity of the known kind"));
        }
        Ok(self.activities)
    }

    /// The list of people that opens at `open`.
    fn people(&self, open: usize) -> Result<Vec<Person>, PageError> {
        let people = self.script.items(open).and_then(|items| {
            let person = |object: usize| {
                let text = |key| self.script.text(&self.script.field(object, key)?);
                let lab = self.script.field(object, "lab").is_some_and(|lab| self.script.is_word(lab.start, "true"));
                Some(Person { id: text("id"), name: plain(&text("name")?), lab })
            };
            items.into_iter().map(|item| person(item.start)).collect()
        });
        people.ok_or(changed("the name of a teacher"))
    }

    /// The activity whose arguments open at `open`, without its places.
    fn activity(&mut self, open: usize) -> Result<Activity, PageError> {
        let script = self.script;
        let arguments = script.items(open).filter(|arguments| arguments.len() >= ARGUMENTS);
        let arguments = arguments.ok_or(changed("the arguments of an activity"))?;
        let value = |nth: usize| arguments.get(nth).map_or(Value::Nothing, |argument| script.value(argument));
        let joins_teachers = |nth: usize| arguments.get(nth).is_some_and(|span| script.uses(span, "actTeacherName"));

        let lesson = script.text(&arguments[2]).as_deref().and_then(lesson_number).map(str::to_owned);
        let lesson = lesson.ok_or(changed("the number of an activity"))?;
        let name = script.text(&arguments[3]).ok_or(changed("the name of an activity"))?;
        let bits = script.text(&arguments[6]).ok_or(changed("the weeks of an activity"))?;
        let origin = self.origin.ok_or(changed("known week origin"))?;
        let weeks = origin.weeks(bits.trim()).ok_or(changed("known week origin"))?;

        let (assistants, others): (Vec<_>, Vec<_>) =
            self.act_teachers.iter().cloned().partition(|person| person.lab && !self.teachers.contains(person));
        let names = |people: Vec<Person>| people.into_iter().map(|person| person.name).collect::<Vec<_>>();
        let teachers = match value(1) {
            Value::Text(text) if !text.trim().is_empty() => names_in(&plain(&text)),
            Value::Code { .. } if joins_teachers(1) => names(others),
            // One school writes the teachers before the room.
            Value::Text(_) | Value::Nothing if joins_teachers(5) => names(others),
            Value::Text(_) | Value::Nothing => Vec::new(),
            Value::Code { fixed } => {
                self.unread.push(unread("教师", &fixed));
                Vec::new()
            }
        };
        let place = match value(5) {
            Value::Code { fixed } if !joins_teachers(5) => {
                self.unread.push(unread("教室", &fixed));
                String::new()
            }
            Value::Text(place) | Value::Code { fixed: place } => plain(&place),
            Value::Nothing => String::new(),
        };
        let is_assistant = arguments.get(9).is_some_and(|span| script.uses(span, "assistantName"));
        let assistants = match value(9) {
            Value::Text(text) => names_in(&plain(&text)),
            _ if is_assistant => names(assistants),
            _ => Vec::new(),
        };
        let mut texts = [8, 10, 11].map(|nth| match value(nth) {
            Value::Text(text) => plain(&text),
            Value::Nothing => String::new(),
            Value::Code { fixed } => {
                self.unread.push(unread("备注", &fixed));
                String::new()
            }
        });
        if !texts[2].is_empty() && texts[2].bytes().all(|byte| byte.is_ascii_digit()) {
            texts[2] = format!("第{}组", texts[2]);
        }
        let [remark, experiment, group] = texts;
        let assisted = if assistants.is_empty() { String::new() } else { format!("助教 {}", assistants.join(" ")) };
        let note = [remark, experiment, group, assisted].into_iter().filter(|text| !text.is_empty());
        Ok(Activity {
            name: limited(course_name(&plain(&name), &lesson), MAX_NAME),
            lesson,
            teachers,
            place,
            weeks,
            note: limited(&note.collect::<Vec<_>>().join("；"), MAX_NOTE),
            places: Vec::new(),
        })
    }

    /// The value of `3*unitCount+2`, `3*13+2` or `41`.
    fn place(&self, mut at: usize) -> Option<u32> {
        let script = self.script;
        let factor = |at| if script.is_word(at, "unitCount") { Some(self.units) } else { script.number(at) };
        let mut sum = 0_u32;
        loop {
            let mut product = factor(at)?;
            while script.is_sign(at + 1, '*') {
                at += 2;
                product = product.checked_mul(factor(at)?)?;
            }
            sum = sum.checked_add(product)?;
            if !script.is_sign(at + 1, '+') {
                break;
            }
            at += 2;
        }
        let goes_on = ['-', '/', '%', '.', '(', '[', '?'].into_iter().any(|sign| script.is_sign(at + 1, sign));
        (!goes_on && sum / self.units <= 6).then_some(sum)
    }
}

/// The arguments of `marshalTable`; `None` where nothing calls it, an error where calls differ or have other arguments.
fn origin(script: &Script<'_>) -> Result<Option<Origin>, PageError> {
    let mut known = None;
    for arguments in script.calls("marshalTable") {
        let number = |nth: usize| script.text(arguments.get(nth)?)?.parse().ok();
        let (Some(from), Some(start), Some(end)) = (number(0), number(1), number(2)) else {
            return Err(changed("known week origin"));
        };
        let origin = Origin { from, start, end };
        if known.is_some_and(|known| known != origin) {
            return Err(changed("known week origin"));
        }
        known = Some(origin);
    }
    Ok(known)
}

/// `990015010.001` of `20417(990015010.001)`.
fn lesson_number(text: &str) -> Option<&str> {
    let (_, number) = text.trim().strip_suffix(')')?.split_once('(')?;
    Some(number.trim()).filter(|number| !number.is_empty())
}

/// The name of a course without the last bracket that holds the number of the class or of the course, and without what
/// follows it: `高等数学A(一),下(990015010.001) 总学时 64` is `高等数学A(一),下`.
fn course_name<'a>(text: &'a str, lesson: &str) -> &'a str {
    let course = lesson.rsplit_once('.').map_or(lesson, |(course, _)| course);
    let brackets = [lesson, course].into_iter().filter_map(|number| text.rfind(&format!("({number})")));
    match brackets.max() {
        Some(at) if at > 0 => text[..at].trim_end(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_inside_a_name_stay_and_the_number_goes() {
        let name = |text| course_name(text, "990015010.001");
        assert_eq!(name("高等数学A(一),下(990015010.001)"), "高等数学A(一),下");
        assert_eq!(name("高等数学A(一),下 (990015010) 总学时 64 (讲课)"), "高等数学A(一),下");
        assert_eq!(name("甲(990015010.001)乙(990015010.001)"), "甲(990015010.001)乙");
        assert_eq!(name("大学英语(四)"), "大学英语(四)");
        assert_eq!(name("(990015010.001)"), "(990015010.001)", "a name is never empty");
        assert_eq!(course_name("体育(PE)", "PE"), "体育");
    }

    #[test]
    fn the_number_of_a_class_is_read() {
        assert_eq!(lesson_number("20417(990015010.001)"), Some("990015010.001"));
        assert_eq!(lesson_number("20417(A(2).001)"), Some("A(2).001"));
        assert_eq!([lesson_number("20417"), lesson_number("20417()"), lesson_number("")], [None; 3]);
    }

    #[test]
    fn a_place_is_a_sum_of_products() {
        let place = |text: &str| {
            let script = Script::of(text);
            let mut unread = Vec::new();
            let source = Script::of("unitCount = 11");
            let reader = Reader::of(&source, &mut unread).unwrap().unwrap();
            Reader { script: &script, ..reader }.place(0)
        };
        assert_eq!(place("3 * unitCount + 2;"), Some(35));
        assert_eq!(place("3*13+2"), Some(41));
        assert_eq!(place("62;\nx"), Some(62));
        assert_eq!(place("unitCount*6+10;"), Some(76));
        for strange in ["77", "7*unitCount+0", "x", "3*", "3*y", "3-1", "3(1)", "4294967295*2", ""] {
            assert_eq!(place(strange), None, "{strange}");
        }
    }
}
