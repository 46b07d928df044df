//! Classes of articles.

/// The class of an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum Class {
    /// University news.
    News,
    /// News of the logistics department.
    Logistics,
    /// Announcements of lectures.
    Lecture,
    /// Notices of the bulletin board.
    Notice,
}

/// Every class.
pub const CLASSES: [Class; 4] = [Class::News, Class::Logistics, Class::Lecture, Class::Notice];

impl Class {
    /// The name that clients use.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The class with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_the_names_of_the_contract() {
        assert_eq!(CLASSES.map(Class::name), ["news", "logistics", "lecture", "notice"]);
        assert!(CLASSES.into_iter().all(|class| Class::from_name(class.name()) == Some(class)));
        assert_eq!(Class::from_name("lectures"), None);
    }
}
