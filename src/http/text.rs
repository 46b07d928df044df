//! Text fields of requests: always strings, never objects; bounded, without control characters, and with a message in
//! Chinese that says what would be right.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type},
    },
};

use super::openapi::INLINE;

/// A text of 1 to `MAX` characters. A number is taken as its digits, as some clients send one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<const MAX: usize>(pub String);

impl<const MAX: usize> Text<MAX> {
    fn check(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("不能为空".to_owned());
        }
        if text.chars().count() > MAX {
            return Err(format!("过长，最多 {MAX} 个字符"));
        }
        // U+FFFD stands where a form's percent-encoding was no valid UTF-8.
        if text.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
            return Err("含有无效字符".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<const MAX: usize>;

        impl<const MAX: usize> de::Visitor<'_> for Visitor<MAX> {
            type Value = Text<MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Text::check(text).map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                self.visit_str(&number.to_string())
            }
        }

        deserializer.deserialize_any(Visitor::<MAX>)
    }
}

impl<const MAX: usize> PartialSchema for Text<MAX> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(MAX)).into()
    }
}

impl<const MAX: usize> ToSchema for Text<MAX> {
    fn name() -> Cow<'static, str> {
        format!("{INLINE}Text{MAX}").into()
    }
}

/// An optional text: missing, `null` and empty are the same.
///
/// # Errors
/// As for [`Text`].
pub fn optional<'de, const MAX: usize, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Text<MAX>>, D::Error> {
    let text = Option::<Raw>::deserialize(deserializer)?;
    match text {
        None => Ok(None),
        Some(Raw(text)) if text.is_empty() => Ok(None),
        Some(Raw(text)) => Text::check(&text).map(Some).map_err(de::Error::custom),
    }
}

/// A text or a number as it was sent, unchecked: for values that are checked or made to fit afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw(pub String);

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Raw, E> {
                Ok(Raw(text.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Raw, E> {
                Ok(Raw(number.to_string()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Raw, E> {
                Ok(Raw(number.to_string()))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// A text of several lines, of 1 to `MAX` characters without the white space around it. Line breaks of any kind become
/// `\n`; other control characters are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prose<const MAX: usize>(pub String);

impl<'de, const MAX: usize> Deserialize<'de> for Prose<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Raw(text) = Raw::deserialize(deserializer)?;
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text = text.trim();
        let lines = text.replace(['\n', '\t'], " ");
        Text::<MAX>::check(&lines).map_err(de::Error::custom)?;
        Ok(Self(text.to_owned()))
    }
}

/// A student number: 8 to 14 digits.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, pattern = "^[0-9]{8,14}$")]
pub struct StudentId(String);

impl StudentId {
    /// `text` without surrounding white space, if it is a student number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let valid = (8..=14).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        valid.then(|| Self(text.to_owned()))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for StudentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text::<32>(text) = Text::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("应为 8 至 14 位数字"))
    }
}

/// A whole number within bounds, sent as a number or as its digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number<const MIN: u8, const MAX: u8>(pub u8);

impl<'de, const MIN: u8, const MAX: u8> Deserialize<'de> for Number<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text::<32>(text) = Text::deserialize(deserializer)?;
        let number = text.trim().parse().ok().filter(|number| (MIN..=MAX).contains(number));
        number.map(Self).ok_or_else(|| de::Error::custom(format!("应为 {MIN} 至 {MAX} 的整数")))
    }
}

impl<const MIN: u8, const MAX: u8> PartialSchema for Number<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Integer);
        let format = SchemaFormat::KnownFormat(KnownFormat::Int32);
        number.format(Some(format)).minimum(Some(MIN)).maximum(Some(MAX)).into()
    }
}

impl<const MIN: u8, const MAX: u8> ToSchema for Number<MIN, MAX> {
    fn name() -> Cow<'static, str> {
        format!("{INLINE}Number{MIN}To{MAX}").into()
    }
}
