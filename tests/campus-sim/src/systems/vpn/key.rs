//! The key pair of the VPN and of jwglxt. TEST ONLY: it is public, protects nothing, and must never be used anywhere else.

use std::sync::LazyLock;

use rsa::{BoxedUint, PrivateKey};

/// Modulus of the key, 1024 bit, upper-case hexadecimal.
pub const RSA_MODULUS_HEX: &str = "B4C0B6948FFACC107A6E4A3BD51C32C633B1895079026126FA5BE80DDE471CEF\
                                   5CCFD997882E7C95D9736E600A479AC2ECCBA2B69EC20AA3EF0DE7428131FFE4\
                                   B7F79D2B9B8CAD415A8713E8104B186181F92E4675A6D020359968A4C422F6AA\
                                   C586EC723D609943170DBC20E995FB7D817C93EE574EE84F2C544AD2A08B7AEB";

/// Public exponent of the key.
pub const RSA_EXPONENT: u32 = 65_537;

/// The test-only primes.
const TEST_ONLY_P: &str = "ddd592b996e2c2b80239fb17baa2f7b69494f26478cc452b61e22c50bda33816\
                           e77a0109669848550645951bbdbd6032fdb5d10e0806d0f595712d018877b803";
const TEST_ONLY_Q: &str = "d09763b27306b866ef608f0e7f5452866f40bb77db2571970e4fcef2c8b00f34\
                           d531078693dd4ffca65fafe32444b5dd16b1a96f3a91dd8386e89909180880f9";

static KEY: LazyLock<Option<PrivateKey>> = LazyLock::new(|| {
    let p = BoxedUint::from_be_hex(TEST_ONLY_P, 512).into_option()?;
    let q = BoxedUint::from_be_hex(TEST_ONLY_Q, 512).into_option()?;
    PrivateKey::from_p_q(p, q, BoxedUint::from(RSA_EXPONENT)).ok()
});

/// The password behind a `svpn_password` field; none when it is not the hexadecimal form of one RSA block.
/// A block with wrong padding yields nonsense, which is as wrong as any wrong password.
pub(super) fn decrypt(field: &str) -> Option<Vec<u8>> {
    decrypt_block(&unhex(field)?)
}

/// The password behind one RSA block; jwglxt has the same key.
pub(crate) fn decrypt_block(block: &[u8]) -> Option<Vec<u8>> {
    KEY.as_ref()?.pkcs1v15_decrypt(block).ok()
}

/// The modulus as a big-endian number.
pub(crate) fn modulus() -> Vec<u8> {
    unhex(RSA_MODULUS_HEX).unwrap_or_default()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use rsa::{BoxedUint, PublicKey};

    use super::{RSA_EXPONENT, RSA_MODULUS_HEX, decrypt, unhex};

    /// What the login form sends for this password.
    fn encrypt(password: &str) -> String {
        let n = BoxedUint::from_be_hex(RSA_MODULUS_HEX, 1024).unwrap();
        let key = PublicKey::new(n, BoxedUint::from(RSA_EXPONENT)).unwrap();
        let block = key.pkcs1v15_encrypt(password.as_bytes()).unwrap();
        block.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    #[test]
    fn a_password_comes_back() {
        assert_eq!(decrypt(&encrypt("vpn-000001")).as_deref(), Some(b"vpn-000001".as_slice()));
    }

    #[test]
    fn plain_text_is_no_password() {
        assert_eq!(decrypt("vpn-000001"), None);
        assert_eq!(decrypt(""), None);
        assert_eq!(unhex("0aF"), None);
        assert_eq!(unhex("0aF0"), Some(vec![0x0a, 0xf0]));
    }
}
