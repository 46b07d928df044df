//! Forgetting a student: what the campus systems showed to an account, and its sessions there.

use std::collections::BTreeSet;

use crate::{
    app::App,
    readthrough::each,
    store::{Store, StoreError, eventually},
    students::Students,
};

/// Removes the campus sessions that an account has as a student, and what they showed it. What another account that is
/// bound to him was shown stays. What could open such a session again at the sign-on ends there, in the background. Call it
/// before the account stops being bound to him, so that what fails can be repeated, and [`forget_latecomers`] after that.
///
/// # Errors
/// [`StoreError`] when a write is not known to be safe; it can be repeated.
pub async fn leave_student(app: &App, open_id: &str, student_id: &str) -> Result<(), StoreError> {
    app.students.log_out(open_id, student_id).await?;
    forget_student(&app.store, open_id, student_id).await
}

async fn forget_student(store: &Store, open_id: &str, student_id: &str) -> Result<(), StoreError> {
    if student_id.is_empty() {
        return Ok(());
    }
    store.sessions.forget(open_id, student_id).await?;
    store.pending_logins.forget(open_id).await?;
    for kind in each(&store.student_data) {
        kind.stored.forget(open_id, student_id).await?;
    }
    Ok(())
}

/// Removes every campus session of an account, and whatever it was shown under any student number.
///
/// # Errors
/// [`StoreError`] when a write is not known to be safe; it can be repeated.
pub async fn forget_every_student(store: &Store, open_id: &str) -> Result<(), StoreError> {
    store.sessions.forget_account(open_id).await?;
    store.pending_logins.forget(open_id).await?;
    for kind in each(&store.student_data) {
        kind.stored.forget_owner(open_id).await?;
    }
    Ok(())
}

/// Removes, in the background, what a refresh that was under way has stored after [`leave_student`].
///
/// A refresh holds the lease of its system from its first look at the account until it has stored what it got. Once the
/// lease is ours, no refresh that knew the account is left.
pub fn forget_latecomers(app: &App, open_id: &str, student_id: &str) {
    if student_id.is_empty() {
        return;
    }
    let who = (app.store.clone(), app.students.clone(), open_id.to_owned(), student_id.to_owned());
    let forget = move || {
        let (store, students, open_id, student_id) = who.clone();
        async move { forget_what_came_late(&store, &students, &open_id, &student_id).await }
    };
    app.tasks.spawn(eventually("forget what was stored while it was being forgotten", forget));
}

async fn forget_what_came_late(
    store: &Store,
    students: &Students,
    open_id: &str,
    student_id: &str,
) -> Result<(), StoreError> {
    let systems = each(&store.student_data).into_iter().filter_map(|kind| students.system_of(kind.service, student_id));
    let systems: BTreeSet<_> = systems.collect();
    for system in systems {
        let forget = async {
            let bound_again = store.users.find(open_id).await?.is_some_and(|user| user.student_id == student_id);
            if bound_again { Ok(()) } else { forget_student(store, open_id, student_id).await }
        };
        students.alone(system, student_id, forget).await?;
    }
    Ok(())
}
