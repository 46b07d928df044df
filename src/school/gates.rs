//! What stands before the academic systems: the central login, the VPN, and who reads captchas.

use std::{path::PathBuf, time::Duration};

use url::Url;

use super::{
    fields::Fields,
    file::Value,
    values::{choice, duration, file, secure_url, text_or_empty, whole},
};
use crate::crypto::RsaKey;

/// Shortest and longest time that a ticket of the central login is kept.
const TICKET_LIFE: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(90 * 24));

/// The central login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cas {
    /// Base address, without `/cas`.
    pub base: Url,
    /// When its login needs a captcha.
    pub captcha: CasCaptcha,
    /// Query of the captcha's address, without `?`; empty for none.
    pub captcha_query: String,
    /// How long after the login a ticket is kept and tried; a refused one is dropped at once.
    pub ticket_life: Duration,
}

/// When the central login needs a captcha.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum CasCaptcha {
    /// When it sets the cookie `X_CAPTCHA`, or says so.
    Cookie,
    /// Always.
    Always,
}

/// The SSL VPN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpn {
    /// Base address.
    pub base: Url,
    /// Key that encrypts its passwords.
    pub key: RsaKey,
}

/// Logins whose captcha the student reads.
const READ_BY_STUDENTS: [&str; 3] = ["cas", "eams", "jwglxt"];

/// The one reader of a captcha that a student reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
enum Student {
    User,
}

/// The one reader of the URP's captcha.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
enum Program {
    Masks,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
enum CasKind {
    Supwisdom,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
enum VpnKind {
    Sangfor,
}

/// Reads `[cas]`. `lenient`: plain HTTP is accepted.
pub(super) fn cas(mut fields: Fields<'_>, lenient: bool) -> Option<Cas> {
    let kind = fields.required("kind", "\"supwisdom\"", choice::<CasKind>);
    let base = fields.required("base", "\"https://cas.example.edu.cn\"", secure_url(lenient));
    let captcha = fields.defaulted("captcha", &Value::Text("cookie".to_owned()), choice);
    let captcha_query = fields.defaulted("captcha_query", &Value::Text(String::new()), |value| {
        let query = text_or_empty(100)(value)?;
        if query.contains(['?', '#', ' ']) { Err("must be a query without ?".to_owned()) } else { Ok(query) }
    });
    let ticket_life =
        fields.defaulted("ticket_life", &Value::Text("7d".to_owned()), duration(TICKET_LIFE.0, TICKET_LIFE.1));
    fields.finish();
    kind?;
    Some(Cas { base: base?, captcha: captcha?, captcha_query: captcha_query?, ticket_life: ticket_life? })
}

/// Reads `[vpn]`.
pub(super) fn vpn(mut fields: Fields<'_>, lenient: bool) -> Option<Vpn> {
    let kind = fields.required("kind", "\"sangfor\"", choice::<VpnKind>);
    let base = fields.required("base", "\"https://vpn.example.edu.cn\"", secure_url(lenient));
    let modulus = fields.required("modulus", "\"D41F… (256 to 1024 hexadecimal digits)\"", |value| {
        let bytes = match value {
            Value::Text(text) => hex::decode(text).ok(),
            _ => None,
        };
        let wrong = || "must be a number of 1024 to 4096 bits in hexadecimal digits".to_owned();
        bytes.filter(|bytes| (128..=512).contains(&bytes.len())).ok_or_else(wrong)
    });
    let exponent = fields.defaulted("exponent", &Value::Whole(65537), whole(3, i64::from(u32::MAX)));
    fields.finish();
    kind?;
    Some(Vpn { base: base?, key: RsaKey { modulus: modulus?, exponent: exponent? } })
}

/// Reads `[captcha]`: the file with the masks of the URP's captcha; `None` for the built-in ones. There is one reader of each
/// captcha, which a profile may name.
pub(super) fn captcha(mut fields: Fields<'_>) -> Option<PathBuf> {
    let mut file_of_urp = None;
    if let Some(mut masks) = fields.table("masks") {
        file_of_urp = masks.optional("urp", "\"/etc/wehpu/masks.txt\"", file);
        for name in READ_BY_STUDENTS {
            masks.unknown(name, "students read this captcha", "urp = \"/etc/wehpu/masks.txt\"");
        }
        masks.finish();
    }
    fields.optional("urp", "\"masks\"", choice::<Program>);
    for name in READ_BY_STUDENTS {
        fields.optional(name, "\"user\"", choice::<Student>);
    }
    fields.finish();
    file_of_urp
}
