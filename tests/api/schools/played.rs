//! The schools that the simulator plays, and what a test has to know of each.

use campus_sim::{CampusSim, System};

use crate::support::{Answer, Setup, Student, TestApp, setup};

/// A school.
pub struct School {
    pub id: &'static str,
    /// Its academic system.
    pub academic: System,
    /// The operation that shows the course table.
    pub table: &'static str,
    /// Counts the logins that carried a password.
    pub password_posts: &'static str,
    /// What the numbers of its students begin with.
    numbers: &'static str,
    password: fn(&campus_sim::Student) -> &str,
    forget: fn(&mut campus_sim::Student),
    setup: fn() -> Setup,
}

/// The university until 2020: the URP behind a VPN.
pub const HPU_URP: School = School {
    id: "hpu-urp",
    academic: System::Urp,
    table: "course",
    password_posts: "urp.login",
    numbers: "311509",
    password: |student| &student.urp_password,
    forget: |student| "another".clone_into(&mut student.urp_password),
    setup,
};

/// The university today: EAMS behind a central sign-on.
pub const HPU: School = School {
    id: "hpu",
    academic: System::Eams,
    table: "table",
    password_posts: "cas.password_posts",
    numbers: "311509",
    password: |student| &student.cas_password,
    forget: |student| "another".clone_into(&mut student.cas_password),
    setup: super::hpu,
};

/// An invented school with jwglxt.
pub const DEMO_ZF: School = School {
    id: "demo-zf",
    academic: System::Jwglxt,
    table: "table",
    password_posts: "jwglxt.password_posts",
    numbers: "202409",
    password: |student| &student.zf_password,
    forget: |student| "another".clone_into(&mut student.zf_password),
    setup: || setup().school("demo-zf"),
};

/// A school that the program has never heard of: a file of its own, nothing extended. jwglxt with other times, places and
/// numbers than those of [`DEMO_ZF`].
pub const BY_FILE: School = School { id: "by-file", numbers: "902409", setup: || setup().profile(by_file), ..DEMO_ZF };

/// The whole profile of [`BY_FILE`].
fn by_file(sim: &CampusSim) -> String {
    let base = sim.url("yjs");
    format!(
        r#"
[school]
id = "by-file"
name = "一纸学院"
maintainer = "the tests"

[bind]
passwords = "one"
account_name = "教务系统"
check_at = "{base}"

[[academic]]
id = "everybody"
name = "教务系统"
match = '^9\d{{11}}$'
system = "jwglxt"
base = "{base}"
plain_http = "accepted"
roads = ["direct"]
login = "own"
abilities = ["table", "scores", "rooms", "record", "terms"]

[academic.options]
pace = "0s"

[captcha]
jwglxt = "user"

[[campus]]
id = "1"
name = "东校区"

[[building]]
id = "18"
number = 1
title = "教学一楼"
campus = "1"
short = "一号"

[[times]]
id = "all"
campus = "*"
sections = ["08:10-08:55", "09:00-09:45", "10:10-10:55", "11:00-11:45", "14:10-14:55", "15:00-15:45", "16:10-16:55", "17:00-17:45", "19:10-19:55", "20:00-20:45", "20:50-21:35"]

[term]
source = "system"
"#
    )
}

impl School {
    /// The service at this school.
    pub fn setup(&self) -> Setup {
        (self.setup)()
    }

    /// Its student with this index, logged in, not bound.
    pub async fn student<'a>(&self, app: &'a TestApp, index: usize) -> Student<'a> {
        let number = format!("{}{index:06}", self.numbers);
        let campus = app.sim.student(&number).unwrap_or_else(|| panic!("there is no student {number}"));
        app.student(index).await.with_account(campus)
    }

    /// Binds as the unmodified mini-program does, with both password fields.
    pub async fn bind(&self, student: &Student<'_>) -> Answer {
        self.bind_with(student, (self.password)(&student.campus)).await
    }

    /// The same with this password of the academic system.
    pub async fn bind_with(&self, student: &Student<'_>, password: &str) -> Answer {
        student.try_bind(&student.campus.vpn_password, password).await
    }

    /// Its student with this index, logged in and bound, with a stored table.
    pub async fn reader<'a>(&self, app: &'a TestApp, index: usize) -> Student<'a> {
        let student = self.student(app, index).await;
        self.bind(&student).await.expect(201);
        student.course().await.expect_data(false);
        student
    }

    /// The student changes his password at the campus.
    pub fn change_password(&self, app: &TestApp, student: &Student<'_>) {
        app.sim.edit_student(&student.campus.number, self.forget);
    }
}
