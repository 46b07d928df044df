//! AES-CBC, only to read what others wrote with it: WeChat's `encryptedData` and the old service's credentials.

use aws_lc_rs::{
    cipher::{AES_128, AES_192, AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey},
    iv::FixedLength,
};
use md5::{Digest, Md5};

/// AES block length and so the length of an initialisation vector, in bytes.
const BLOCK: usize = 16;

/// The text could not be decrypted: wrong key, or not what it claims to be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("cannot be decrypted with this key")]
pub struct CbcError;

/// AES-128-CBC with PKCS#7 padding, as WeChat encrypts a profile under the session key.
///
/// # Errors
/// [`CbcError`] when key or vector have the wrong length or the padding is wrong.
pub fn decrypt_aes128_cbc(key: &[u8], iv: &[u8], encrypted: &[u8]) -> Result<Vec<u8>, CbcError> {
    decrypt(key, iv, encrypted)
}

/// What Node's `crypto.createCipher(cipher, passphrase)` made, in hexadecimal: key and vector come from OpenSSL's
/// `EVP_BytesToKey` with MD5, one round and no salt (Node.js documentation of `crypto.createCipher`).
///
/// `cipher` is `aes-128-cbc`, `aes-192-cbc` or `aes-256-cbc`.
///
/// # Errors
/// [`CbcError`] for another cipher, text that is not hexadecimal, a wrong passphrase, or a result that is not UTF-8.
pub fn decrypt_legacy(cipher: &str, passphrase: &str, encrypted: &str) -> Result<String, CbcError> {
    let key_len = match cipher {
        "aes-128-cbc" => 16,
        "aes-192-cbc" => 24,
        "aes-256-cbc" => 32,
        _ => return Err(CbcError),
    };
    let mut derived: Vec<u8> = Vec::with_capacity(64);
    let mut block: Vec<u8> = Vec::new();
    while derived.len() < key_len + BLOCK {
        block.extend_from_slice(passphrase.as_bytes());
        block = Md5::digest(&block).to_vec();
        derived.extend_from_slice(&block);
    }
    let encrypted = hex::decode(encrypted).map_err(|_| CbcError)?;
    let plain = decrypt(&derived[..key_len], &derived[key_len..key_len + BLOCK], &encrypted)?;
    String::from_utf8(plain).map_err(|_| CbcError)
}

fn decrypt(key: &[u8], iv: &[u8], encrypted: &[u8]) -> Result<Vec<u8>, CbcError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `printf 'vpn 密码' | openssl enc -aes-256-cbc -md md5 -nosalt -k 'old secret' | xxd -p`.
    const LEGACY: &str = "1cac38347573d50d5b6daea03d0cb466";

    #[test]
    fn the_old_services_credentials_open_with_its_passphrase_only() {
        assert_eq!(decrypt_legacy("aes-256-cbc", "old secret", LEGACY).unwrap(), "vpn 密码");
        assert!(decrypt_legacy("aes-256-cbc", "other", LEGACY).is_err());
        assert!(decrypt_legacy("aes-256-cbc", "old secret", "zz").is_err());
        assert!(decrypt_legacy("des", "old secret", LEGACY).is_err());
    }
}
