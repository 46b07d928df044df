//! The contract at schools of other kinds than the default one, and what is different there.

mod breakers;
mod calendar;
mod captcha;
mod changed_pages;
mod classrooms;
mod contract;
mod cost;
mod eams;
mod faults;
mod feeds;
mod jwglxt;
mod keys;
mod offers;
mod played;
mod terms;
mod tickets;

use crate::support::{Answer, Setup, Student, setup};

/// A service at the university as it is today: EAMS behind a central sign-on.
fn hpu() -> Setup {
    setup().school("hpu")
}

/// The student with this index binds with his one password.
async fn bind(student: &Student<'_>) -> Answer {
    bind_with(student, &student.campus.cas_password).await
}

/// Binds with this password.
async fn bind_with(student: &Student<'_>, password: &str) -> Answer {
    student.post_form("/api/bind", &[("studentId", &student.campus.number), ("password", password)]).await
}
