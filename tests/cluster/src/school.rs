//! What differs between the schools that the simulator plays: numbers and passwords of the students, what is offered to
//! them, and which systems can misbehave.

use crate::{
    Failure,
    campus::{SCORES, TABLES, Table},
};

/// A school.
#[derive(Debug)]
pub struct School {
    /// Its profile, the value of `WEHPU_SCHOOL`.
    id: &'static str,
    /// Beginning of a student's number; six digits follow.
    numbers: &'static str,
    /// The passwords of a bind: the field, and the beginning of the password; the same six digits follow.
    passwords: &'static [(&'static str, &'static str)],
    /// The tables that it offers, beside the course table.
    pub tables: &'static [Table],
    /// Something that is the same for everybody: its name in the journal, and its path.
    pub common: (&'static str, &'static str),
    /// Whether repairs can be ordered.
    pub takes_repairs: bool,
    /// The outside systems that requests need.
    pub systems: &'static [&'static str],
    /// Systems and modes of the campus faults in the short form.
    pub short: &'static [(&'static str, &'static str)],
}

/// All of them; the first is the default.
static SCHOOLS: [School; 3] = [
    School {
        id: "hpu-urp",
        numbers: "311509",
        passwords: &[("vpnPassWord", "vpn-"), ("jwcPassWord", "jwc-")],
        tables: &TABLES,
        common: ("news", "/api/rss/news?start=0&count=10"),
        takes_repairs: true,
        systems: &["urp", "vpn", "library", "physical", "repair", "wechat", "github"],
        short: &[("urp", "hang"), ("urp", "maintenance")],
    },
    School {
        id: "hpu",
        numbers: "311509",
        passwords: &[("password", "uia-")],
        tables: &[SCORES],
        common: ("news", "/api/rss/news?start=0&count=10"),
        takes_repairs: false,
        systems: &["eams", "cas", "wechat", "github"],
        short: &[("eams", "hang"), ("eams", "maintenance"), ("cas", "maintenance")],
    },
    School {
        id: "demo-zf",
        numbers: "202409",
        passwords: &[("password", "zf-")],
        tables: &[SCORES],
        common: ("app", "/api/app"),
        takes_repairs: false,
        systems: &["jwglxt", "wechat", "github"],
        short: &[("jwglxt", "hang"), ("jwglxt", "maintenance")],
    },
];

impl School {
    /// The school of the stack in the environment.
    ///
    /// # Errors
    /// When the simulator does not play it.
    pub fn from_environment() -> Result<&'static Self, Failure> {
        let Ok(id) = std::env::var("WEHPU_SCHOOL") else { return Ok(Self::usual()) };
        let found = SCHOOLS.iter().find(|school| school.id == id);
        found.ok_or_else(|| format!("WEHPU_SCHOOL={id}: the simulator does not play this school").into())
    }

    /// The default.
    #[must_use]
    pub fn usual() -> &'static Self {
        &SCHOOLS[0]
    }

    /// Number of the student `index`.
    #[must_use]
    pub fn student(&self, index: usize) -> String {
        format!("{}{index:06}", self.numbers)
    }

    /// The fields of a bind of the student `index`.
    #[must_use]
    pub fn bind_fields(&self, index: usize) -> Vec<(&'static str, String)> {
        let passwords = self.passwords.iter().map(|(field, begin)| (*field, format!("{begin}{index:06}")));
        std::iter::once(("studentId", self.student(index))).chain(passwords).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campus::{MODES, table};

    #[test]
    fn a_student_binds_with_his_number_and_the_passwords_of_the_school() {
        let fields = |school: &School| {
            school.bind_fields(7).into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        assert_eq!(fields(&SCHOOLS[0]), ["studentId=311509000007", "vpnPassWord=vpn-000007", "jwcPassWord=jwc-000007"]);
        assert_eq!(fields(&SCHOOLS[1]), ["studentId=311509000007", "password=uia-000007"]);
    }

    #[test]
    fn faults_are_of_systems_that_the_school_has() {
        for school in &SCHOOLS {
            for (system, mode) in school.short {
                assert!(school.systems.contains(system) && MODES.contains(mode), "{}: {system} {mode}", school.id);
            }
            // What is read while a system misbehaves must be offered.
            for table in school.systems.iter().filter_map(|system| table(system)) {
                assert!(school.tables.contains(&table), "{}: {}", school.id, table.name);
            }
        }
    }
}
