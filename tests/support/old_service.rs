//! What the old service left: its cipher and its documents.

use aws_lc_rs::{
    cipher::{AES_128, AES_192, AES_256, EncryptingKey, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey},
    iv::FixedLength,
};
use md5::{Digest, Md5};
use mongodb::bson::oid::ObjectId;

/// The passphrase of the old service.
pub const PASSPHRASE: &str = "the old passphrase";

/// `plain`, encrypted by Node's `crypto.createCipher(cipher, PASSPHRASE)`, in hexadecimal. `cipher` is for example
/// `aes-192-ctr`.
pub fn old_cipher(cipher: &str, plain: &str) -> String {
    let (algorithm, key_len) = match &cipher[4..7] {
        "128" => (&AES_128, 16),
        "192" => (&AES_192, 24),
        _ => (&AES_256, 32),
    };
    let mut derived: Vec<u8> = Vec::new();
    let mut block: Vec<u8> = Vec::new();
    while derived.len() < key_len + 16 {
        block.extend_from_slice(PASSPHRASE.as_bytes());
        block = Md5::digest(&block).to_vec();
        derived.extend_from_slice(&block);
    }
    let iv: [u8; 16] = derived[key_len..key_len + 16].try_into().unwrap();
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    let key = UnboundCipherKey::new(algorithm, &derived[..key_len]).unwrap();
    let mut text = plain.as_bytes().to_vec();
    let stream = match &cipher[8..] {
        "ctr" => EncryptingKey::ctr(key),
        "cfb" => EncryptingKey::cfb128(key),
        "ofb" => EncryptingKey::ofb(key),
        "cbc" => {
            let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).unwrap();
            key.less_safe_encrypt(&mut text, context).unwrap();
            return hex::encode(text);
        }
        other => panic!("{other}"),
    };
    stream.unwrap().less_safe_encrypt(&mut text, context).unwrap();
    hex::encode(text)
}

/// An id made at `unix` seconds; `number` distinguishes ids of the same second.
pub fn id_made_at(unix: i64, number: u8) -> ObjectId {
    let mut bytes = [number; 12];
    bytes[..4].copy_from_slice(&u32::try_from(unix).unwrap().to_be_bytes());
    ObjectId::from_bytes(bytes)
}
