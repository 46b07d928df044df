//! The same activities, written in different styles.

use std::fmt::Write as _;

use super::*;

/// What an activity of the test says.
#[derive(Debug, Clone)]
struct Told {
    name: String,
    lesson: u32,
    teachers: Vec<(String, bool)>,
    room: String,
    weeks: Vec<bool>,
    day: u32,
    units: Vec<u32>,
}

/// How the script is written.
#[derive(Debug, Clone)]
struct Style {
    quote: char,
    blank: &'static str,
    teachers_last: bool,
    bare_places: bool,
}

const PLAIN: Style = Style { quote: '"', blank: "", teachers_last: false, bare_places: false };

fn style() -> impl Strategy<Value = Style> {
    let blank = prop_oneof![Just(""), Just(" "), Just("\n\t"), Just(" /* ) \" , */ "), Just("// it's\n")];
    (prop_oneof![Just('"'), Just('\'')], blank, any::<bool>(), any::<bool>())
        .prop_map(|(quote, blank, teachers_last, bare_places)| Style { quote, blank, teachers_last, bare_places })
}

fn told() -> impl Strategy<Value = Told> {
    let text = || r#"[A-Z高等()（）,+'"\\ ]{1,8}[a-z]"#;
    let teachers = proptest::collection::vec(("[钟岚贺舟]{2,3}", any::<bool>()), 0..3);
    let weeks = proptest::collection::vec(any::<bool>(), 51);
    let units = proptest::collection::vec(0..11_u32, 1..4);
    (text(), 1..4_u32, teachers, text(), weeks, 0..7_u32, units).prop_map(
        |(name, lesson, teachers, room, weeks, day, units)| Told { name, lesson, teachers, room, weeks, day, units },
    )
}

impl Style {
    fn text(&self, text: &str) -> String {
        let escaped = text.replace('\\', "\\\\").replace(self.quote, &format!("\\{}", self.quote));
        format!("{q}{escaped}{q}", q = self.quote)
    }

    fn write(&self, activities: &[Told]) -> String {
        let b = self.blank;
        let mut script = format!("var unitCount{b}={b}11;{b}var index{b}={b}0;{b}var activity{b}={b}null;\n");
        for told in activities {
            script += &self.people(told);
            let bits: String = told.weeks.iter().map(|week| if *week { '1' } else { '0' }).collect();
            let arguments = [
                format!("actTeacherId.join({})", self.text(",")),
                format!("actTeacherName.join({})", self.text(",")),
                self.text(&format!("77(A.{})", told.lesson)),
                self.text(&format!("{}(A.{})", told.name, told.lesson)),
                String::new(),
                self.text(&told.room),
                self.text(&format!("01{bits}")),
                "null".to_owned(),
                "null".to_owned(),
                "assistantName".to_owned(),
                self.text(""),
            ];
            let arguments = arguments.join(&format!("{b},{b}"));
            let _ = writeln!(script, "activity{b}={b}new {b}TaskActivity{b}({b}{arguments}{b}){b};");
            for unit in &told.units {
                let place = if self.bare_places {
                    (told.day * 11 + unit).to_string()
                } else {
                    format!("{}{b}*{b}unitCount{b}+{b}{unit}", told.day)
                };
                let _ = writeln!(script, "index{b}={b}{place}{b};{b}table0.activities[index][0]{b}={b}activity;");
            }
        }
        script + &format!("table0.marshalTable{b}({b}2{b},{b}1{b},20{b});")
    }

    fn people(&self, told: &Told) -> String {
        let b = self.blank;
        let people = |all: bool| {
            let people = told.teachers.iter().enumerate().filter(|(_, (_, lab))| all || !lab);
            let people: Vec<String> = people
                .map(|(id, (name, lab))| format!("{{{b}id:{b}{id}{b},name{b}:{b}{},{b}lab:{lab}{b}}}", self.text(name)))
                .collect();
            format!("[{b}{}{b}]", people.join(&format!("{b},{b}")))
        };
        let teachers = format!("var teachers{b}={b}{};\n", people(false));
        let act_teachers = format!("var actTeachers{b}={b}{};\n", people(true));
        if self.teachers_last { act_teachers + &teachers } else { teachers + &act_teachers }
    }
}

fn activities(script: &str) -> Vec<Activity> {
    let script = Script::of(script);
    let mut unread = Vec::new();
    let activities = Reader::of(&script, &mut unread).unwrap().unwrap().read().unwrap();
    assert_eq!(unread, []);
    activities
}

proptest! {
    #[test]
    fn blanks_quotes_and_the_order_of_variables_do_not_matter(
        told in proptest::collection::vec(told(), 1..4),
        style in style(),
    ) {
        let plain = activities(&PLAIN.write(&told));
        prop_assert_eq!(plain.len(), told.len());
        for (activity, told) in plain.iter().zip(&told) {
            prop_assert_eq!(&activity.name, &clean(&told.name));
            let teachers: Vec<_> = told.teachers.iter().filter(|(_, lab)| !lab).map(|(name, _)| name).collect();
            prop_assert_eq!(activity.teachers.iter().collect::<Vec<_>>(), teachers);
        }
        prop_assert_eq!(activities(&style.write(&told)), plain);
    }
}
