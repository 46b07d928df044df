//! `users`: one document per WeChat account, with the sealed credentials of the campus systems.

mod leaving;
mod pictures;
mod retention;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use mongodb::{
    Collection, Database,
    bson::{self, Document, doc},
    options::ReturnDocument,
};
use serde::{Deserialize, Deserializer};

use super::{
    Coherence, Reads, StoreError,
    cache::{Found, Kept, Key},
    collection,
    reads::{find_anywhere, find_one, find_one_after, steadily},
};
use crate::crypto::sha256_hex;

pub use retention::Unused;

/// A sealed field of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Credential {
    /// Password of the SSL VPN.
    Vpn,
    /// Password of the URP academic system.
    Jwc,
    /// Password of the library.
    Library,
    /// Last eight digits of the id number: the password of the physical education and repair systems.
    IdNumber,
}

/// Most accounts of one student that are returned: nobody has more.
const MAX_ACCOUNTS: i64 = 10;

/// Most student numbers that an account remembers.
const MAX_KNOWN_NUMBERS: i32 = 10;

/// Every sealed field.
pub const CREDENTIALS: [Credential; 4] = [Credential::Vpn, Credential::Jwc, Credential::Library, Credential::IdNumber];

impl Credential {
    /// The field's name, from the old service.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Vpn => "vpnPassWord",
            Self::Jwc => "jwcPassWord",
            Self::Library => "libPassWord",
            Self::IdNumber => "idNumber",
        }
    }
}

/// A field a student may set through `PUT /api/user`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditableField {
    /// Library password, sealed.
    LibraryPassword,
    /// Dormitory, free text.
    Dormitory,
    /// Nickname.
    NickName,
    /// Picture address.
    AvatarUrl,
}

impl EditableField {
    /// The field that the client calls `key`, if it may be set.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Some(match key {
            "libPassWord" => Self::LibraryPassword,
            "dormitory" => Self::Dormitory,
            "nickName" => Self::NickName,
            "avatarUrl" => Self::AvatarUrl,
            _ => return None,
        })
    }

    fn field(self) -> &'static str {
        match self {
            Self::LibraryPassword => Credential::Library.field(),
            Self::Dormitory => "dormitory",
            Self::NickName => "nickName",
            Self::AvatarUrl => "avatarUrl",
        }
    }
}

/// Fields of an account that its owner may see. `gender`, `city` and `timestamp` come from the old service.
const PROFILE: [&str; 15] = [
    "openId",
    "nickName",
    "avatarUrl",
    "gender",
    "city",
    "dormitory",
    "studentId",
    "name",
    "bind",
    "boundAt",
    "createdAt",
    "timestamp",
    "lastLoginAt",
    "knownSince",
    "consent",
];

/// A WeChat account.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct User {
    /// WeChat's id of the account in this mini-program.
    #[serde(deserialize_with = "null_is_default")]
    pub open_id: String,
    /// Nickname.
    #[serde(deserialize_with = "null_is_default")]
    pub nick_name: String,
    /// Student number, empty while not bound.
    #[serde(deserialize_with = "null_is_default")]
    pub student_id: String,
    /// Name at the university, empty while not bound.
    #[serde(deserialize_with = "null_is_default")]
    pub name: String,
    /// Whether campus accounts are bound.
    #[serde(deserialize_with = "null_is_default")]
    pub bind: bool,
    #[serde(deserialize_with = "null_is_default")]
    vpn_pass_word: String,
    #[serde(deserialize_with = "null_is_default")]
    jwc_pass_word: String,
    #[serde(deserialize_with = "null_is_default")]
    lib_pass_word: String,
    #[serde(deserialize_with = "null_is_default")]
    id_number: String,
    /// Names of the credential fields that the campus refused since they were stored.
    #[serde(deserialize_with = "null_is_default")]
    rejected: Vec<String>,
    /// Keyed hashes of the student numbers it is or was bound to.
    #[serde(deserialize_with = "null_is_default")]
    known_numbers: Vec<String>,
    bound_at: Option<bson::DateTime>,
    /// Hash of the login code that made the account.
    #[serde(deserialize_with = "null_is_default")]
    created_by: String,
    tokens_valid_after: Option<bson::DateTime>,
    last_login_at: Option<bson::DateTime>,
    /// When this service first saw an account without a known last login (migration 0012).
    known_since: Option<bson::DateTime>,
}

/// The old service's documents may hold `null` for an absent value.
fn null_is_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Personal values stay out of logs.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("bind", &self.bind).field("rejected", &self.rejected).finish_non_exhaustive()
    }
}

impl Kept for User {
    fn bytes(&self) -> usize {
        let Self { open_id, nick_name, student_id, name, vpn_pass_word, jwc_pass_word, lib_pass_word, .. } = self;
        let texts =
            [open_id, nick_name, student_id, name, vpn_pass_word, jwc_pass_word, lib_pass_word, &self.id_number];
        let lists = self.rejected.iter().chain(&self.known_numbers);
        let texts = texts.into_iter().map(String::len).sum::<usize>();
        size_of::<Self>() + texts + lists.map(|text| text.len() + size_of::<String>()).sum::<usize>()
    }
}

impl User {
    /// The sealed value of a credential, if one is stored.
    #[must_use]
    pub fn sealed(&self, credential: Credential) -> Option<&str> {
        let value = match credential {
            Credential::Vpn => &self.vpn_pass_word,
            Credential::Jwc => &self.jwc_pass_word,
            Credential::Library => &self.lib_pass_word,
            Credential::IdNumber => &self.id_number,
        };
        (!value.is_empty()).then_some(value)
    }

    /// Whether the campus refused this credential since it was stored.
    #[must_use]
    pub fn is_rejected(&self, credential: Credential) -> bool {
        self.rejected.iter().any(|field| field == credential.field())
    }

    /// When campus accounts were bound; `None` when they are not, or the old service bound them.
    #[must_use]
    pub fn bound_at(&self) -> Option<DateTime<Utc>> {
        self.bound_at.map(bson::DateTime::to_chrono)
    }

    /// Keyed hashes of the student numbers it was bound to: a number can be recognised and not be read back. A number
    /// bound before hashes were kept is added when the account leaves it.
    #[must_use]
    pub fn known_numbers(&self) -> &[String] {
        &self.known_numbers
    }

    /// Whether a token issued at `issued_at` (Unix milliseconds) is still valid.
    #[must_use]
    pub fn accepts_token_of(&self, issued_at: i64) -> bool {
        self.tokens_valid_after.is_none_or(|after| issued_at > after.timestamp_millis())
    }

    /// The `iat` of a token issued now (Unix milliseconds): now, but after every revocation, even one of the same
    /// millisecond or by a replica whose clock is ahead.
    fn next_token_at(&self, now: i64) -> i64 {
        self.tokens_valid_after.map_or(now, |after| now.max(after.timestamp_millis() + 1))
    }

    /// When the account was last used, as far as known.
    fn last_used(&self) -> Option<bson::DateTime> {
        self.last_login_at.or(self.known_since)
    }

    /// The new value of `tokensValidAfter` that makes every token issued until now invalid, even when replicas' clocks
    /// differ: each login stores its time in the account ([`Users::sign_in`]).
    #[must_use]
    pub fn all_tokens_until(&self, now: DateTime<Utc>) -> i64 {
        let last_login = self.last_login_at.map_or(i64::MIN, bson::DateTime::timestamp_millis);
        self.next_token_at(now.timestamp_millis()).max(last_login)
    }
}

/// The result of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Whether this was the first login of the account.
    pub created: bool,
    /// Whether campus accounts are bound.
    pub bind: bool,
    /// Nickname; empty while the account has none.
    pub nick_name: String,
    /// The `iat` of the token of this login (Unix milliseconds).
    pub issued_at: i64,
}

/// A successful bind, ready to be stored.
pub struct Binding<'a> {
    /// Student number.
    pub student_id: &'a str,
    /// Name at the university.
    pub name: &'a str,
    /// Sealed credentials.
    pub sealed: BTreeMap<Credential, String>,
    /// Keyed hashes to remember: of the number, and of the one bound before ([`User::known_numbers`]).
    pub known: Vec<String>,
    /// Version of the privacy text that the student agreed to, if the client sent one.
    pub consent: Option<&'a str>,
}

/// An expression for `knownNumbers`, with `words` in front.
fn known_numbers(words: &[String]) -> Document {
    let earlier = doc! { "$setDifference": [{ "$ifNull": ["$knownNumbers", []] }, words] };
    doc! { "$slice": [{ "$concatArrays": [words, earlier] }, MAX_KNOWN_NUMBERS] }
}

/// The `users` collection.
#[derive(Debug, Clone)]
pub struct Users {
    own: Collection<User>,
    primary: Collection<User>,
    nearest: Collection<User>,
    coherence: Coherence,
}

impl Users {
    pub(super) fn new(db: &Database, coherence: &Coherence) -> Self {
        Self {
            coherence: coherence.clone(),
            own: collection(db, "users", Reads::PrimaryPreferred),
            primary: collection(db, "users", Reads::Primary),
            nearest: collection(db, "users", Reads::Configured),
        }
    }

    /// Makes the account on its first login; an existing account keeps its data. The account keeps the hash of the
    /// login `code` that made it, so that a code that is repeated, or reaches two replicas at once, always gets the
    /// same answer. When an account is made again, tokens issued at `revoked` (Unix milliseconds) or before stay
    /// invalid.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn sign_in(
        &self,
        open_id: &str,
        code: &str,
        profile: &[(EditableField, String)],
        revoked: Option<i64>,
        now: DateTime<Utc>,
    ) -> Result<SignIn, StoreError> {
        let now = bson::DateTime::from_chrono(now);
        let code = sha256_hex(code.as_bytes());
        let mut set = Document::new();
        for (field, value) in profile {
            set.insert(field.field(), value.as_str());
        }
        let mut fresh = doc! { "bind": false, "studentId": "", "name": "", "createdAt": now, "createdBy": &code };
        if !set.contains_key("nickName") {
            fresh.insert("nickName", "");
        }
        if let Some(revoked) = revoked {
            fresh.insert("tokensValidAfter", bson::DateTime::from_millis(revoked));
        }
        let mut update = doc! { "$max": { "lastLoginAt": now }, "$setOnInsert": fresh };
        if !set.is_empty() {
            update.insert("$set", set);
        }
        let one = || {
            let made = self.primary.find_one_and_update(doc! { "openId": open_id }, update.clone());
            made.upsert(true).return_document(ReturnDocument::After)
        };
        let write = async {
            match one().await.map_err(StoreError::from) {
                // Two first logins at once: the other one made the account, so the retry finds it.
                Err(StoreError::Duplicate(_)) => Ok(one().await?),
                other => other,
            }
        };
        let user = self.coherence.writing(open_id, write).await?.unwrap_or_default();
        let issued_at = user.next_token_at(now.timestamp_millis());
        Ok(SignIn { created: user.created_by == code, bind: user.bind, nick_name: user.nick_name, issued_at })
    }

    /// The caller's own account: from the primary, or from a secondary while there is no primary or it stays silent. Only
    /// the primary may say that there is none: a secondary may not have an account that was made a moment ago.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers, or the primary does not where none is found.
    pub async fn find(&self, open_id: &str) -> Result<Option<User>, StoreError> {
        let one = doc! { "openId": open_id };
        match find_one(&self.own, one.clone()).await? {
            None => steadily(|| self.primary.find_one(one.clone())).await,
            found => Ok(found),
        }
    }

    /// The caller's own account, to show what is his: as it is in the database, or as this engine has it in memory
    /// while that is current. A write needs [`Users::find`].
    ///
    /// # Errors
    /// [`StoreError`] when no member answers and it is not in memory.
    pub async fn find_to_show(&self, open_id: &str) -> Result<Option<Found<User>>, StoreError> {
        let key = Key { kind: "users", name: open_id.to_owned(), subject: open_id.to_owned() };
        let (own, primary, one) = (self.own.clone(), self.primary.clone(), doc! { "openId": open_id });
        let read = |ticket| async move {
            match find_one_after(&own, one.clone(), ticket).await? {
                None => steadily(|| primary.find_one(one.clone())).await,
                found => Ok(found),
            }
        };
        self.coherence.read(key, read).await
    }

    /// The name of the student who bound `student_id`.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers.
    pub async fn name_of_student(&self, student_id: &str) -> Result<Option<String>, StoreError> {
        let found = find_anywhere(&self.nearest, doc! { "studentId": student_id, "bind": true }).await?;
        Ok(found.map(|user| user.name))
    }

    /// The WeChat accounts that have bound `student_id`.
    ///
    /// # Errors
    /// [`StoreError`] when no member answers.
    pub async fn accounts_of_student(&self, student_id: &str) -> Result<Vec<String>, StoreError> {
        let bound = doc! { "studentId": student_id, "bind": true, "openId": { "$gt": "" } };
        let found = steadily(|| self.own.find(bound.clone()).limit(MAX_ACCOUNTS)).await?;
        let found: Vec<User> = found.try_collect().await?;
        Ok(found.into_iter().map(|user| user.open_id).collect())
    }

    /// The accounts that have bound `student_id`, without `except`, earliest bind first, from the primary.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn others_of_student(&self, student_id: &str, except: &str) -> Result<Vec<User>, StoreError> {
        let bound = doc! { "studentId": student_id, "bind": true, "openId": { "$gt": "", "$ne": except } };
        let found = steadily(|| self.primary.find(bound.clone()).sort(doc! { "boundAt": 1 })).await?;
        Ok(found.try_collect().await?)
    }

    /// Stores a bind in one write: number, name, credentials; no credential counts as refused any more. A new consent
    /// replaces the earlier one. A library password, and the mark that it was refused, stay only when the student
    /// number does. Returns whether the account exists.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn bind(&self, open_id: &str, binding: &Binding<'_>, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let library = Credential::Library.field();
        let same = doc! { "$eq": ["$studentId", { "$literal": binding.student_id }] };
        let kept = doc! { "$cond": [same.clone(), { "$ifNull": [format!("${library}"), ""] }, ""] };
        let still = doc! { "$setIntersection": [{ "$ifNull": ["$rejected", []] }, [library]] };
        let mut set = doc! {
            library: kept,
            "studentId": { "$literal": binding.student_id },
            "name": { "$literal": binding.name },
            "bind": true,
            "rejected": { "$cond": [same.clone(), still, []] },
            "boundAt": bson::DateTime::from_chrono(now),
            "knownNumbers": known_numbers(&binding.known),
        };
        // What this bind did not take is of another time, or of another student.
        let id_number = Credential::IdNumber.field();
        set.insert(Credential::Vpn.field(), "");
        set.insert(Credential::Jwc.field(), "");
        set.insert(id_number, doc! { "$cond": [same, { "$ifNull": [format!("${id_number}"), ""] }, ""] });
        for (credential, sealed) in &binding.sealed {
            set.insert(credential.field(), doc! { "$literal": sealed });
        }
        if let Some(version) = binding.consent {
            let at = bson::DateTime::from_chrono(now);
            set.insert("consent", doc! { "$literal": { "version": version, "at": at } });
        }
        let update = vec![doc! { "$set": set }];
        let write = async { Ok(self.primary.update_one(doc! { "openId": open_id }, update).await?.matched_count == 1) };
        self.coherence.writing(open_id, write).await
    }

    /// Sets one field that the student may set. A new library password no longer counts as refused. Returns the updated
    /// account, or `None` when there is no such account.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn set(&self, open_id: &str, field: EditableField, value: &str) -> Result<Option<User>, StoreError> {
        let mut update = doc! { "$set": { field.field(): value } };
        if field == EditableField::LibraryPassword {
            update.insert("$pull", doc! { "rejected": Credential::Library.field() });
        }
        let after = ReturnDocument::After;
        let write = self.primary.find_one_and_update(doc! { "openId": open_id }, update).return_document(after);
        self.coherence.writing(open_id, async { Ok(write.await?) }).await
    }

    /// Marks a credential as refused by the campus, unless another value was stored in the meantime.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn mark_rejected(&self, open_id: &str, credential: Credential, sealed: &str) -> Result<(), StoreError> {
        let same = doc! { "openId": open_id, credential.field(): sealed };
        let write = self.primary.update_one(same, doc! { "$addToSet": { "rejected": credential.field() } });
        self.coherence.writing(open_id, async { Ok(write.await.map(drop)?) }).await
    }

    /// All accounts, for re-sealing.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn all(&self) -> Result<impl futures_util::Stream<Item = Result<User, StoreError>>, StoreError> {
        Ok(self.primary.find(doc! { "openId": { "$type": "string" } }).await?.map_err(StoreError::from))
    }

    /// How many accounts there are.
    ///
    /// # Errors
    /// [`StoreError`] when there is no primary.
    pub async fn count(&self) -> Result<u64, StoreError> {
        Ok(self.primary.count_documents(doc! { "openId": { "$type": "string" } }).await?)
    }

    /// Replaces sealed values by re-sealed ones, if all of them are still those that were read. Returns whether they
    /// were replaced.
    ///
    /// # Errors
    /// [`StoreError`] when the write is not known to be safe.
    pub async fn reseal(&self, open_id: &str, changes: &[(Credential, &str, String)]) -> Result<bool, StoreError> {
        let mut unchanged = doc! { "openId": open_id };
        let mut set = Document::new();
        for (credential, before, after) in changes {
            unchanged.insert(credential.field(), *before);
            set.insert(credential.field(), after.as_str());
        }
        let write = self.primary.update_one(unchanged, doc! { "$set": set });
        self.coherence.writing(open_id, async { Ok(write.await?.matched_count == 1) }).await
    }
}

#[cfg(test)]
mod tests;
