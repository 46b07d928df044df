//! What the publishing systems have in common: links, articles, and links that the engine does not follow. Pure.

mod links;
mod text;

use std::fmt;

use serde::Serialize;
use url::Url;

use super::CampusError;

pub(super) use links::{Links, Origin, date_in, date_near, title_of};
pub(super) use text::{images_of, paragraphs_of};

/// A link on a list page that leads to an article on the system's own host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Its target, without a fragment; behind the VPN, the inner address.
    pub url: Url,
    /// Its title on the page.
    pub title: String,
    /// Its date on the page, `2017-12-01`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// A link that the engine does not follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedLink {
    /// The address as the page has it, cut to 500 characters.
    pub address: String,
    /// Its title on the page.
    pub title: String,
    /// Why it is refused.
    pub refusal: Refusal,
}

/// Why the engine does not follow a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Refusal {
    /// Neither `http` nor `https`, or no address at all.
    Scheme,
    /// Another host or port than the system's own, or `https` where the system uses `http`.
    OtherHost,
    /// It answers with a redirect to another host.
    RedirectElsewhere,
    /// It answers with one redirect after the other.
    RedirectLoop,
    /// The answer is larger than any article or file that is stored.
    TooLarge,
    /// A file of a type that is not stored.
    FileType,
}

impl Refusal {
    /// The stable word for it, as in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "it is no web address",
            Self::OtherHost => "it leads to another host",
            Self::RedirectElsewhere => "it redirects to another host",
            Self::RedirectLoop => "it redirects in circles",
            Self::TooLarge => "it is too large",
            Self::FileType => "it is a file of a type that is not kept",
        })
    }
}

/// The items of a list page, newest first. A page past the end of the list is empty, which is no error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ListPage {
    /// Articles, in the order of the page.
    pub links: Vec<Link>,
    /// Links that the engine does not follow, in the order of the page.
    pub refused: Vec<RefusedLink>,
}

impl ListPage {
    /// Whether the page lists nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.links.is_empty() && self.refused.is_empty()
    }
}

/// An article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArticlePage {
    /// Title.
    pub title: String,
    /// Its date, `2017-12-01`; empty when there is none.
    pub time: String,
    /// Its author, or its section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Its text without markup, one paragraph per line; empty when it consists of images.
    pub text: String,
    /// Addresses of its images, which the engine never requests.
    pub images: Vec<Url>,
}

/// Why one article was not fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The engine never follows this link.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// The system did not return it. An article that is gone (404) is [`CampusError::Changed`].
    #[error(transparent)]
    Campus(#[from] CampusError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_the_same_word_in_json_as_in_records() {
        let all = [
            Refusal::Scheme,
            Refusal::OtherHost,
            Refusal::RedirectElsewhere,
            Refusal::RedirectLoop,
            Refusal::TooLarge,
            Refusal::FileType,
        ];
        for refusal in all {
            assert_eq!(serde_json::to_value(refusal).unwrap(), refusal.word());
        }
    }
}
