//! The other systems of a school: library, fitness tests, repairs, news and notices. Each has the one kind that this
//! version has a client for, or `none`.

use url::Url;

use super::{
    fields::Fields,
    file::Value,
    values::{host, text, url},
};
use crate::model::Class;

/// Which other systems are offered, and where they are. `None`: not offered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Services {
    /// The library's catalogue.
    pub library: Option<Url>,
    /// Fitness tests.
    pub physical: Option<Url>,
    /// Repairs.
    pub repair: Option<Url>,
    /// News of the school.
    pub news: Option<News>,
    /// News of the logistics department.
    pub logistics: Option<Url>,
    /// The bulletin board behind the VPN.
    pub bulletin: Option<Bulletin>,
}

impl Services {
    /// Whether the school has a feed that brings articles of `class`.
    #[must_use]
    pub fn publishes(&self, class: Class) -> bool {
        match class {
            Class::News => self.news.is_some(),
            Class::Logistics => self.logistics.is_some(),
            Class::Lecture | Class::Notice => self.bulletin.is_some(),
        }
    }
}

/// News of the school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Base address.
    pub base: Url,
    /// Path and query of the list page.
    pub list_path: String,
}

/// The bulletin board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulletin {
    /// Its host behind the VPN.
    pub host: String,
    /// The student number whose VPN account reads it. The password is a variable.
    pub account: Option<String>,
}

/// Reads the table `name`. `None` where it is missing or of kind `none`; else what `read` makes of its other keys.
fn service<T>(
    root: &mut Fields<'_>,
    name: &str,
    known: &'static str,
    read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
) -> Option<T> {
    let mut fields = root.table(name).unwrap_or_else(|| root.empty(name));
    let kind = fields.defaulted("kind", &Value::Text("none".to_owned()), |value| match value {
        Value::Text(kind) if kind == known => Ok(true),
        Value::Text(kind) if kind == "none" => Ok(false),
        _ => Err(format!("must be {known} or none")),
    });
    match kind {
        Some(true) => {
            let service = read(&mut fields);
            fields.finish();
            service
        }
        Some(false) => {
            fields.finish();
            None
        }
        None => {
            fields.abandon();
            None
        }
    }
}

fn base(fields: &mut Fields<'_>) -> Option<Url> {
    fields.required("base", "\"http://news.example.edu.cn\"", url)
}

/// Reads the tables of all services.
pub(super) fn read(root: &mut Fields<'_>) -> Services {
    Services {
        // An ASP.NET catalogue with `Borrowing.aspx`.
        library: service(root, "library", "opac-aspx", base),
        // An ASP.NET system with a `.score-table` for each year.
        physical: service(root, "physical", "score-aspx", base),
        // Orders under `/rsp`.
        repair: service(root, "repair", "rsp", base),
        // A content management system with `output.aspx`.
        news: service(root, "news", "publisher", |fields| {
            let base = base(fields);
            let list_path =
                fields.required("list_path", "\"/output.aspx?pageNum=1\"", |value| match text(1000)(value)? {
                    path if path.starts_with('/') => Ok(path),
                    _ => Err("must start with /".to_owned()),
                });
            Some(News { base: base?, list_path: list_path? })
        }),
        // Pages under `/dsh/Pchome`.
        logistics: service(root, "logistics", "pchome", base),
        // The board `hpugg.aspx`.
        bulletin: service(root, "bulletin", "swfweb", |fields| {
            let host = fields.required("host", "\"10.0.0.2\"", host);
            let account = fields.optional("account", "\"311500000000\"", text(14));
            Some(Bulletin { host: host?, account })
        }),
    }
}
