//! `wehpu-engine rekey`: seals every stored credential with the current key.
//!
//! What is sealed for some days at most is left alone: campus sessions, logins that wait for a captcha, the access token of
//! WeChat, copies of changed pages. What cannot be opened any more of these is made anew, or missed by nobody.
//!
//! A stream cipher opens anything, so a value of the old service is accepted only if its field can hold it. If most
//! values fail, cipher or secret are wrong and nothing is written.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use secrecy::ExposeSecret;

use super::Failure;
use crate::{
    config::{Legacy, read_rekey},
    crypto::KeyRing,
    store::{CREDENTIALS, Credential, Store, User},
};

/// Number of accounts between two progress lines.
const PROGRESS_EVERY: u64 = 1000;

/// Longest password, in characters.
const MAX_PASSWORD: usize = 128;

/// Number of digits at the end of an id number that are kept: those that campus logins need.
const ID_NUMBER_KEPT: usize = 8;

/// Re-seal stored credentials with the first key of `WEHPU_CREDENTIAL_KEYS`.
///
/// Run it after a new key was put first and every engine has it. It opens every value and says for each older key
/// whether it is still needed; one that is not can be removed. It may run while the service does, and may be
/// interrupted and repeated. With `WEHPU_LEGACY_CIPHER` and `WEHPU_LEGACY_SECRET` it also seals what the old service
/// encrypted. Values that then look like no password or id number are counted and left as they are; if most do, it
/// stops before it changes anything.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only count what would be done
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Default)]
struct Tally {
    accounts: u64,
    /// Values that were already sealed with the first key, and open.
    current: u64,
    /// Values that this run sealed with it; with `--dry-run` those that it would seal.
    resealed: u64,
    /// Values that do not open, or look wrong.
    unopened: u64,
    /// How many of these look wrong, by field.
    looks_wrong: BTreeMap<&'static str, u64>,
    /// Values that their students changed during the run.
    changed: u64,
    /// Values that still need a key other than the first, by its id.
    held: BTreeMap<String, u64>,
}

/// Why a value is not re-sealed.
enum Unopened {
    /// It opens to something that its field cannot hold.
    LooksWrong,
    /// It does not open, for this reason.
    Closed(String),
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let (mongodb, auth, legacy) = read_rekey(super::environment()?)?;
    let keys = KeyRing::new(&auth.credential_keys).ok_or("WEHPU_CREDENTIAL_KEYS holds no usable key")?;
    let store = Store::connect(mongodb.migrate_uri(), "wehpu-engine rekey").await?;
    if let Some(legacy) = &legacy {
        check(&store, legacy).await?;
    }
    let total = store.users.count().await?;
    let mut tally = Tally::default();
    let mut users = std::pin::pin!(store.users.all().await?);
    while let Some(user) = users.try_next().await? {
        tally.accounts += 1;
        reseal(&store, &keys, legacy.as_ref(), &user, args.dry_run, &mut tally).await?;
        if tally.accounts % PROGRESS_EVERY == 0 {
            println!("{} of {total} accounts, {} values re-sealed", tally.accounts, tally.resealed);
        }
    }
    tally.report(&keys, args.dry_run);
    if tally.unopened + tally.changed > 0 {
        return Err("not every value was opened: its key is missing or has other bytes than it had, it looks wrong, or it was changed meanwhile; see the lines above. Remove no key".into());
    }
    Ok(())
}

impl Tally {
    /// Counts values that are sealed with these keys.
    fn hold<'a>(&mut self, ids: impl IntoIterator<Item = &'a str>) {
        for id in ids {
            *self.held.entry(id.to_owned()).or_default() += 1;
        }
    }

    fn report(&self, keys: &KeyRing, dry_run: bool) {
        let first = keys.ids().next().unwrap_or_default();
        let (resealed, already) =
            if dry_run { ("would be re-sealed", "are already") } else { ("re-sealed", "were already") };
        println!(
            "{} accounts: {} values {resealed} with {first}, {} {already}, {} do not open, {} changed meanwhile",
            self.accounts, self.resealed, self.current, self.unopened, self.changed
        );
        if !self.looks_wrong.is_empty() {
            println!("look wrong when opened with the old cipher, and were left: {}", by_field(&self.looks_wrong));
        }
        for id in keys.ids().skip(1) {
            match self.held.get(id) {
                Some(count) => println!("key {id} is still needed: {count} values are sealed with it"),
                // A value that did not open may need this key.
                None if self.unopened + self.changed > 0 => println!("key {id}: whether it is needed is not known"),
                None => println!("key {id} is not needed any more: every value was opened without it or sealed again"),
            }
        }
    }
}

/// Opens all values of the old service without changing any.
///
/// Fails when most do not open or look wrong: then cipher or secret are not those of the old service.
async fn check(store: &Store, legacy: &Legacy) -> Result<(), Failure> {
    let (mut total, mut wrong) = (0_u64, BTreeMap::new());
    let mut users = std::pin::pin!(store.users.all().await?);
    while let Some(user) = users.try_next().await? {
        for credential in CREDENTIALS {
            let Some(value) = user.sealed(credential).filter(|value| !KeyRing::is_sealed(value)) else { continue };
            total += 1;
            if open_legacy(legacy, credential, value).is_err() {
                *wrong.entry(credential.field()).or_default() += 1;
            }
        }
    }
    let count: u64 = wrong.values().sum();
    if count * 2 > total {
        let fields = by_field(&wrong);
        return Err(format!(
            "wrong cipher or secret: {count} of {total} values of the old service do not open to what their field holds ({fields}); nothing was changed"
        )
        .into());
    }
    Ok(())
}

/// Text such as `idNumber 2, vpnPassWord 1`.
fn by_field(counts: &BTreeMap<&'static str, u64>) -> String {
    counts.iter().map(|(field, count)| format!("{field} {count}")).collect::<Vec<_>>().join(", ")
}

async fn reseal(
    store: &Store,
    keys: &KeyRing,
    legacy: Option<&Legacy>,
    user: &User,
    dry_run: bool,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let mut changes = Vec::new();
    let mut replaced = Vec::new();
    for credential in CREDENTIALS {
        let Some(before) = user.sealed(credential) else { continue };
        let other = KeyRing::id_of(before).filter(|_| !keys.is_current(before));
        match open(keys, legacy, user, credential, before) {
            Ok(_) if keys.is_current(before) => tally.current += 1,
            // An empty value, encrypted by the old service, becomes an empty field.
            Ok(plain) if plain.is_empty() => changes.push((credential, before, String::new())),
            Ok(plain) => {
                replaced.extend(other);
                changes.push((credential, before, keys.seal(&user.open_id, credential.field(), &plain)?));
            }
            Err(Unopened::LooksWrong) => {
                tally.unopened += 1;
                *tally.looks_wrong.entry(credential.field()).or_default() += 1;
                eprintln!("account {}: {}: looks wrong when opened", tally.accounts, credential.field());
            }
            Err(Unopened::Closed(why)) => {
                tally.unopened += 1;
                tally.hold(other);
                eprintln!("account {}: {}: {why}", tally.accounts, credential.field());
            }
        }
    }
    let count = u64::try_from(changes.len()).unwrap_or(u64::MAX);
    if count == 0 {
        return Ok(());
    }
    if dry_run {
        tally.resealed += count;
        tally.hold(replaced);
    } else if store.users.reseal(&user.open_id, &changes).await? {
        tally.resealed += count;
    } else {
        tally.changed += count;
        tally.hold(replaced);
        eprintln!("account {}: changed meanwhile; run rekey again", tally.accounts);
    }
    Ok(())
}

fn open(
    keys: &KeyRing,
    legacy: Option<&Legacy>,
    user: &User,
    credential: Credential,
    value: &str,
) -> Result<String, Unopened> {
    if KeyRing::is_sealed(value) {
        let opened = keys.open(&user.open_id, credential.field(), value);
        let plain = opened.map_err(|e| Unopened::Closed(e.to_string()))?;
        return Ok(plain.expose_secret().to_owned());
    }
    let Some(legacy) = legacy else {
        return Err(Unopened::Closed(
            "not sealed; set WEHPU_LEGACY_CIPHER and WEHPU_LEGACY_SECRET to read the old service's values".to_owned(),
        ));
    };
    let plain = open_legacy(legacy, credential, value)?;
    // Keeps only the last eight digits of the id number.
    let keep = if credential == Credential::IdNumber { plain.len().saturating_sub(ID_NUMBER_KEPT) } else { 0 };
    Ok(plain.get(keep..).unwrap_or_default().to_owned())
}

/// Opens a value of the old service, if its field can hold the result.
fn open_legacy(legacy: &Legacy, credential: Credential, value: &str) -> Result<String, Unopened> {
    let opened = legacy.cipher.open(legacy.secret.expose_secret(), value);
    let plain = opened.map_err(|e| Unopened::Closed(e.to_string()))?;
    if is_of_form(credential, &plain) { Ok(plain) } else { Err(Unopened::LooksWrong) }
}

/// Whether a field can hold `plain`: an id number has 15 digits, or 17 and a digit or an X (GB 11643); a password is
/// printable. Both may be empty.
fn is_of_form(credential: Credential, plain: &str) -> bool {
    if credential == Credential::IdNumber {
        let all_digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
        return match plain.as_bytes() {
            [] => true,
            [digits @ .., last] if plain.len() == 18 => {
                all_digits(digits) && (last.is_ascii_digit() || b"Xx".contains(last))
            }
            text => plain.len() == 15 && all_digits(text),
        };
    }
    plain.chars().count() <= MAX_PASSWORD && !plain.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_believed_when_its_field_can_hold_it() {
        for number in ["", "410802970101001", "410802199701010017", "41080219970101001X", "41080219970101001x"] {
            assert!(is_of_form(Credential::IdNumber, number), "{number}");
        }
        for other in
            ["4", "41080219970101001", "4108021997010100X7", "41080219970101001Y", "密码密码密码", "41080219970101密"]
        {
            assert!(!is_of_form(Credential::IdNumber, other), "{other}");
        }
        for password in ["", "vpn-000001", "图书馆 密码", "a\u{e9}"] {
            assert!(is_of_form(Credential::Vpn, password), "{password}");
        }
        for other in ["a\u{0}b", "\u{1b}", "a\u{fffd}", &"x".repeat(MAX_PASSWORD + 1)] {
            assert!(!is_of_form(Credential::Library, other), "{other:?}");
        }
    }
}
