//! Sealing of stored credentials: AES-256-GCM with a random nonce, a key id for rotation, and owner and field as
//! associated data, so that a sealed value copied to another user or field does not open.
//!
//! A sealed value is the text `s1.<key id>.<base64url(nonce ‖ ciphertext ‖ tag)>`.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretString;

/// Format mark at the beginning of every sealed value.
const MARK: &str = "s1";

/// Why a value could not be sealed or opened. Holds nothing of the value.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// The value is not in the sealed format.
    #[error("not a sealed value")]
    Format,
    /// The key it was sealed with is not configured.
    #[error("sealed with key id {0}, which WEHPU_CREDENTIAL_KEYS does not have")]
    UnknownKey(String),
    /// The value was changed, or belongs to another user or field.
    #[error("the sealed value does not open for this user and field")]
    Authentication,
}

/// The configured keys.
pub struct KeyRing {
    keys: Vec<(String, RandomizedNonceKey)>,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(id, _)| id)).finish()
    }
}

impl KeyRing {
    /// `keys` as configured: the first seals, all open. `None` without a key.
    #[must_use]
    pub fn new(keys: &[(String, [u8; 32])]) -> Option<Self> {
        let key =
            |(id, bytes): &(String, [u8; 32])| Some((id.clone(), RandomizedNonceKey::new(&AES_256_GCM, bytes).ok()?));
        let keys: Vec<_> = keys.iter().map(key).collect::<Option<_>>()?;
        (!keys.is_empty()).then_some(Self { keys })
    }

    /// Seals `plain` for one user (`open_id`) and field.
    ///
    /// # Errors
    /// [`SealError::Authentication`] if the cipher fails, which never happens for values of this size.
    pub fn seal(&self, open_id: &str, field: &str, plain: &str) -> Result<String, SealError> {
        let (id, key) = &self.keys[0];
        let mut text = plain.as_bytes().to_vec();
        let nonce = key
            .seal_in_place_append_tag(associated(open_id, field), &mut text)
            .map_err(|_| SealError::Authentication)?;
        let mut bytes = nonce.as_ref().to_vec();
        bytes.append(&mut text);
        Ok(format!("{MARK}.{id}.{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Opens a value that [`KeyRing::seal`] made for the same user and field.
    pub fn open(&self, open_id: &str, field: &str, sealed: &str) -> Result<SecretString, SealError> {
        let (id, payload) = split(sealed).ok_or(SealError::Format)?;
        let (_, key) =
            self.keys.iter().find(|(known, _)| known == id).ok_or_else(|| SealError::UnknownKey(id.to_owned()))?;
        let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(payload).map_err(|_| SealError::Format)?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN).ok_or(SealError::Format)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Format)?;
        let plain =
            key.open_in_place(nonce, associated(open_id, field), text).map_err(|_| SealError::Authentication)?;
        let plain = std::str::from_utf8(plain).map_err(|_| SealError::Authentication)?;
        Ok(plain.into())
    }

    /// The ids of the keys, first the one that seals.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(id, _)| id.as_str())
    }

    /// The id of the key that sealed `value`; `None` when it is not in the sealed format.
    #[must_use]
    pub fn id_of(value: &str) -> Option<&str> {
        split(value).map(|(id, _)| id)
    }

    /// Whether `value` was sealed with the key that seals now.
    #[must_use]
    pub fn is_current(&self, value: &str) -> bool {
        Self::id_of(value) == self.ids().next()
    }

    /// Whether `value` is in the sealed format, with any key.
    #[must_use]
    pub fn is_sealed(value: &str) -> bool {
        Self::id_of(value).is_some()
    }
}

fn split(sealed: &str) -> Option<(&str, &str)> {
    sealed.strip_prefix(MARK)?.strip_prefix('.')?.split_once('.')
}

/// Owner and field, preceded by the owner's length, so that no two pairs have the same bytes.
fn associated(open_id: &str, field: &str) -> Aad<Vec<u8>> {
    Aad::from(format!("{}:{open_id}:{field}", open_id.len()).into_bytes())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn ring(ids: &[&str]) -> KeyRing {
        let keys: Vec<_> = ids.iter().map(|id| ((*id).to_owned(), [id.as_bytes()[0]; 32])).collect();
        KeyRing::new(&keys).unwrap()
    }

    #[test]
    fn a_sealed_value_opens_only_for_its_user_and_field() {
        let ring = ring(&["a"]);
        let sealed = ring.seal("o1", "vpnPassWord", "密码 1").unwrap();
        assert_eq!(ring.open("o1", "vpnPassWord", &sealed).unwrap().expose_secret(), "密码 1");
        assert_eq!(ring.open("o2", "vpnPassWord", &sealed).unwrap_err(), SealError::Authentication);
        assert_eq!(ring.open("o1", "jwcPassWord", &sealed).unwrap_err(), SealError::Authentication);
    }

    #[test]
    fn the_same_value_is_sealed_differently_each_time() {
        let ring = ring(&["a"]);
        assert_ne!(ring.seal("o", "f", "x").unwrap(), ring.seal("o", "f", "x").unwrap());
    }

    #[test]
    fn old_keys_open_and_the_first_key_seals() {
        let sealed = ring(&["a"]).seal("o", "f", "x").unwrap();
        let rotated = ring(&["b", "a"]);
        assert_eq!(rotated.open("o", "f", &sealed).unwrap().expose_secret(), "x");
        assert!(!rotated.is_current(&sealed));
        assert!(rotated.is_current(&rotated.seal("o", "f", "x").unwrap()));
        assert_eq!(ring(&["b"]).open("o", "f", &sealed).unwrap_err(), SealError::UnknownKey("a".to_owned()));
    }

    #[test]
    fn a_changed_or_foreign_value_is_an_error() {
        let ring = ring(&["a"]);
        let mut sealed = ring.seal("o", "f", "x").unwrap();
        let last = sealed.pop().unwrap();
        sealed.push(if last == 'A' { 'B' } else { 'A' });
        assert!(ring.open("o", "f", &sealed).is_err());
        for value in ["", "s1", "s1.a", "s1.a.AAAA", "plain text", "s1.a.%%"] {
            assert!(ring.open("o", "f", value).is_err(), "{value}");
        }
    }
}
