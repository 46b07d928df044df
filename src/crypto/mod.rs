//! Cryptography: sealed credentials, keyed hashes, and reading what the old service and WeChat encrypted with AES. The
//! primitives come from aws-lc, which the TLS stack needs anyway.

mod cbc;
mod legacy;
mod seal;

use aws_lc_rs::{digest, hmac};

pub use cbc::{CbcError, decrypt_aes128_cbc};
pub use legacy::{LegacyCipher, LegacyError};
pub use seal::{KeyRing, SealError};

/// SHA-256 in lower-case hexadecimal.
#[must_use]
pub fn sha256_hex(data: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, data))
}

/// 16 random hexadecimal digits, for unique names.
#[must_use]
pub fn random_hex() -> String {
    let mut bytes = [0_u8; 8];
    // The operating system's generator does not fail once it runs; a fixed name would only be less unique.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    hex::encode(bytes)
}

/// 64 random hexadecimal digits, for secrets that grant access to their holder; `None` when the operating system has no
/// random numbers.
#[must_use]
pub fn random_token() -> Option<String> {
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(hex::encode(bytes))
}

/// Pseudonyms (keyed hashes) for logs and keys: a student number always has the same one, and nobody without the key
/// can turn it back.
#[derive(Clone)]
pub struct Pseudonyms(hmac::Key);

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms(…)")
    }
}

impl Pseudonyms {
    /// Derives the key from a secret of the service.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), b"wehpu-engine log pseudonyms");
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// The pseudonym of `value`: 16 hexadecimal digits.
    #[must_use]
    pub fn of(&self, value: &str) -> String {
        format!("{:016x}", self.number(value))
    }

    /// The pseudonym of `value` as a number.
    #[must_use]
    pub fn number(&self, value: &str) -> u64 {
        let mut bytes = [0_u8; 8];
        bytes.copy_from_slice(&hmac::sign(&self.0, value.as_bytes()).as_ref()[..8]);
        u64::from_be_bytes(bytes)
    }
}

/// An RSA public key as the VPN publishes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaKey {
    /// Modulus, big endian.
    pub modulus: Vec<u8>,
    /// Public exponent.
    pub exponent: u64,
}
