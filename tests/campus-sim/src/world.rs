//! The state that all systems share: the students. Seeded students are made from their index whenever they are needed,
//! so forty thousand of them cost no memory; only added and changed students are kept.

mod catalog;
mod courses;
mod library;
mod people;
mod published;
mod scores;
mod terms;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use catalog::{BUILDINGS, Building};
pub use library::{Book, Copy};
pub(crate) use people::name as person_name;
pub(crate) use published::invent as invent_feeds;
pub(crate) use terms::{Marked, TERMS, Term};

use crate::student::{Course, Student};

/// First six digits of every seeded student number: year and college.
pub const NUMBER_PREFIX: &str = "311509";

/// First six digits of the numbers of the students of jwglxt's school: undergraduates and postgraduates. There are as
/// many of each as there are seeded students, but lists leave them out.
pub const ZF_PREFIXES: [&str; 2] = ["202409", "902409"];

/// Most seeded students: as many as the six further digits can number.
pub const MAX_SEEDED: usize = 1_000_000;

/// Locks a mutex; a panic elsewhere while it was held does not matter to invented data.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Students, by number.
#[derive(Debug)]
pub struct World {
    seed: u64,
    seeded: usize,
    edits: Mutex<Edits>,
}

#[derive(Debug, Default)]
struct Edits {
    /// Added or changed students; `None` = a seeded one that was removed.
    students: HashMap<String, Option<Student>>,
    /// Numbers of added students in the order of their arrival.
    added: Vec<String>,
}

impl World {
    /// A campus of `seeded` students (at most [`MAX_SEEDED`]), the same for the same `seed`.
    #[must_use]
    pub fn new(seed: u64, seeded: usize) -> Self {
        Self { seed, seeded: seeded.min(MAX_SEEDED), edits: Mutex::default() }
    }

    /// The seed everything invented depends on.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Number of the seeded student with this index, whether or not there are that many.
    #[must_use]
    pub fn number_of(index: usize) -> String {
        format!("{NUMBER_PREFIX}{index:06}")
    }

    fn is_seeded(&self, number: &str) -> bool {
        [NUMBER_PREFIX]
            .into_iter()
            .chain(ZF_PREFIXES)
            .find_map(|prefix| number.strip_prefix(prefix))
            .filter(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|digits| digits.parse::<usize>().ok())
            .is_some_and(|index| index < self.seeded)
    }

    /// The student with this number.
    #[must_use]
    pub fn student(&self, number: &str) -> Option<Student> {
        if let Some(edited) = lock(&self.edits).students.get(number) {
            return edited.clone();
        }
        self.is_seeded(number).then(|| people::invent(self.seed, number))
    }

    /// A complete student invented for this number, whether or not he studies here.
    #[must_use]
    pub fn invent(&self, number: &str) -> Student {
        people::invent(self.seed, number)
    }

    /// Up to `limit` students after the first `offset`: the seeded ones by number, then the added ones.
    pub fn students(&self, offset: usize, limit: usize) -> impl Iterator<Item = Student> {
        let added = lock(&self.edits).added.clone();
        (0..self.seeded)
            .map(Self::number_of)
            .chain(added)
            .skip(offset)
            .filter_map(|number| self.student(&number))
            .take(limit)
    }

    /// Puts a student in the place of the one with the same number, or adds him. Answers whether he is new.
    pub fn put(&self, student: Student) -> bool {
        let seeded = self.is_seeded(&student.number);
        let mut edits = lock(&self.edits);
        let known = edits.students.get(&student.number).map_or(seeded, Option::is_some);
        if !seeded && !edits.added.contains(&student.number) {
            edits.added.push(student.number.clone());
        }
        edits.students.insert(student.number.clone(), Some(student));
        !known
    }

    /// Changes a student; answers whether there is one with this number.
    pub fn edit(&self, number: &str, change: impl FnOnce(&mut Student)) -> bool {
        let Some(mut student) = self.student(number) else {
            return false;
        };
        change(&mut student);
        number.clone_into(&mut student.number);
        self.put(student);
        true
    }

    /// Removes a student; answers whether there was one.
    pub fn remove(&self, number: &str) -> bool {
        if self.student(number).is_none() {
            return false;
        }
        let mut edits = lock(&self.edits);
        edits.added.retain(|added| added != number);
        edits.students.insert(number.to_owned(), None);
        true
    }

    /// What the student takes in a term.
    pub(crate) fn courses_of(&self, student: &Student, term: Term) -> Vec<Course> {
        terms::courses(self.seed, student, term)
    }

    /// The student's scores of a term.
    pub(crate) fn marks_of(&self, student: &Student, term: Term) -> Vec<Marked> {
        terms::marks(self.seed, student, term)
    }

    /// Books whose title contains `words`, ignoring case, in catalogue order.
    #[must_use]
    pub fn find_books(&self, words: &str) -> Vec<Book> {
        library::find(self.seed, words)
    }

    /// The book with this catalogue id.
    #[must_use]
    pub fn book(&self, id: &str) -> Option<Book> {
        library::book(self.seed, id)
    }
}

#[cfg(test)]
mod tests {
    use super::World;

    #[test]
    fn the_same_seed_makes_the_same_students() {
        let (a, b) = (World::new(5, 50), World::new(5, 50));
        assert!(a.students(0, 50).eq(b.students(0, 50)));
        assert_ne!(a.student("311509000007"), World::new(6, 50).student("311509000007"));
    }

    #[test]
    fn seeded_numbers_end_where_the_seeding_ends() {
        let world = World::new(1, 3);
        assert_eq!(world.students(0, 10).count(), 3);
        assert!(world.student("311509000002").is_some());
        assert!(world.student("311509000003").is_none());
        assert!(world.student("31150900002").is_none());
        assert!(world.student("202409000002").is_some() && world.student("902409000003").is_none());
        assert!(world.student("").is_none());
    }

    #[test]
    fn an_edit_stays_and_a_removal_too() {
        let world = World::new(1, 3);
        assert!(world.edit("311509000001", |s| s.vpn_password = "new".into()));
        assert_eq!(world.student("311509000001").unwrap().vpn_password, "new");
        assert!(world.remove("311509000001"));
        assert!(world.student("311509000001").is_none());
        assert!(!world.edit("311509000001", |_| ()));
        assert_eq!(world.students(0, 10).count(), 2);
    }

    #[test]
    fn an_added_student_is_listed_once() {
        let world = World::new(1, 2);
        let added = world.invent("20170001");
        assert!(world.put(added.clone()));
        assert!(!world.put(added));
        let numbers: Vec<_> = world.students(0, 10).map(|s| s.number).collect();
        assert_eq!(numbers, ["311509000000", "311509000001", "20170001"]);
    }
}
