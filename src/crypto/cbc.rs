//! AES-CBC, only for reading: WeChat's `encryptedData` and the old service's credentials.

use aws_lc_rs::{
    cipher::{AES_128, AES_192, AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey},
    iv::FixedLength,
};

/// Length of an AES block, and of an initialisation vector, in bytes.
pub(super) const BLOCK: usize = 16;

/// The text could not be decrypted: wrong key, or not such a text.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("cannot be decrypted with this key")]
pub struct CbcError;

/// AES-128-CBC with PKCS#7 padding, as WeChat encrypts a profile under the session key.
///
/// # Errors
/// [`CbcError`] when key or vector have the wrong length or the padding is wrong.
pub fn decrypt_aes128_cbc(key: &[u8], iv: &[u8], encrypted: &[u8]) -> Result<Vec<u8>, CbcError> {
    decrypt_cbc(key, iv, encrypted)
}

/// AES-CBC with PKCS#7 padding, for each AES key length.
///
/// # Errors
/// As [`decrypt_aes128_cbc`].
pub(super) fn decrypt_cbc(key: &[u8], iv: &[u8], encrypted: &[u8]) -> Result<Vec<u8>, CbcError> {
    let algorithm = match key.len() {
        16 => &AES_128,
        24 => &AES_192,
        32 => &AES_256,
        _ => return Err(CbcError),
    };
    if encrypted.is_empty() || !encrypted.len().is_multiple_of(BLOCK) {
        return Err(CbcError);
    }
    let iv: [u8; BLOCK] = iv.try_into().map_err(|_| CbcError)?;
    let key = UnboundCipherKey::new(algorithm, key).map_err(|_| CbcError)?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).map_err(|_| CbcError)?;
    let mut buffer = encrypted.to_vec();
    let plain = key.decrypt(&mut buffer, DecryptionContext::Iv128(FixedLength::from(iv))).map_err(|_| CbcError)?;
    Ok(plain.to_vec())
}
