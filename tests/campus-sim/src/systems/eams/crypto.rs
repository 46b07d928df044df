//! What the login page's script does to number and password, seen from the other side.

use std::fmt::Write as _;

use aes::cipher::{BlockCipherDecrypt, KeyInit};

/// Hexadecimal SHA-1 (FIPS 180-4), as the login page's script makes it of salt and password. Nothing else here uses it, so
/// it is not worth a dependency.
#[must_use]
pub fn sha1_hex(message: &[u8]) -> String {
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64), 0);
    if padded.len() - message.len() < 9 {
        padded.resize(padded.len() + 64, 0);
    }
    let length = padded.len() - 8;
    padded[length..].copy_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks_exact(64) {
        compress(&mut state, block);
    }
    state.iter().fold(String::with_capacity(40), |mut text, word| {
        let _ = write!(text, "{word:08x}");
        text
    })
}

fn compress(state: &mut [u32; 5], block: &[u8]) {
    let mut words = [0_u32; 80];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    }
    for index in 16..80 {
        let mixed = words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16];
        words[index] = mixed.rotate_left(1);
    }
    let [mut first, mut second, mut third, mut fourth, mut fifth] = *state;
    for (index, word) in words.into_iter().enumerate() {
        let (choice, constant) = match index / 20 {
            0 => ((second & third) | (!second & fourth), 0x5a82_7999),
            1 => (second ^ third ^ fourth, 0x6ed9_eba1),
            2 => ((second & third) | (second & fourth) | (third & fourth), 0x8f1b_bcdc),
            _ => (second ^ third ^ fourth, 0xca62_c1d6_u32),
        };
        let next = first.rotate_left(5).wrapping_add(choice).wrapping_add(fifth).wrapping_add(constant);
        (fifth, fourth, third, second) = (fourth, third, second.rotate_left(30), first);
        first = next.wrapping_add(word);
    }
    for (word, add) in state.iter_mut().zip([first, second, third, fourth, fifth]) {
        *word = word.wrapping_add(add);
    }
}

/// What AES-128 in ECB mode with PKCS#7 padding has encrypted; none when it is no such thing.
pub(super) fn decrypt(key: &[u8; 16], message: &[u8]) -> Option<Vec<u8>> {
    let cipher = aes::Aes128::new(key.into());
    let mut plain = Vec::with_capacity(message.len());
    for chunk in message.chunks(16) {
        let mut block: [u8; 16] = chunk.try_into().ok()?;
        cipher.decrypt_block((&mut block).into());
        plain.extend_from_slice(&block);
    }
    let padding = usize::from(*plain.last()?);
    let length = plain.len().checked_sub(padding).filter(|_| (1..=16).contains(&padding))?;
    plain.truncate(length);
    Some(plain)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;

    use super::{decrypt, sha1_hex};

    #[test]
    fn the_standards_examples_come_out() {
        assert_eq!(sha1_hex(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(sha1_hex(b""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        let two_blocks = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        assert_eq!(sha1_hex(two_blocks), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    }

    #[test]
    fn the_passwords_hash_is_the_one_that_the_page_makes() {
        let salted = b"5f3c2b1a-0d4e-4c6b-9a8f-112233445566-jwc-000001";
        assert_eq!(sha1_hex(salted), "00894f38067eb08e1f85eb820dbab3764eb1908a");
    }

    #[test]
    fn an_encrypted_number_comes_back() {
        let sent = BASE64_STANDARD.decode("jjX0hU/L4q/qtp/lRt5Riw==").unwrap();
        assert_eq!(decrypt(b"abcd1234efgh5678", &sent).as_deref(), Some(b"311509000001".as_slice()));
        assert_eq!(decrypt(b"abcd1234efgh5678", b"311509000001"), None);
        assert_eq!(decrypt(b"abcd1234efgh5678", b""), None);
    }
}
