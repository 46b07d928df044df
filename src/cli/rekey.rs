//! `wehpu-engine rekey`: seals every stored credential with the current key.

use futures_util::TryStreamExt;
use secrecy::ExposeSecret;

use super::Failure;
use crate::{
    config::{Legacy, read_rekey},
    crypto::{KeyRing, decrypt_legacy},
    store::{CREDENTIALS, Credential, Store, User},
};

/// How many accounts between two progress lines.
const PROGRESS_EVERY: u64 = 1000;

/// Re-seal stored credentials with the first key of `WEHPU_CREDENTIAL_KEYS`.
///
/// Run it after a new key was put in front: once it ends with «0 left», older keys can be removed. It may run while the
/// service does, and may be interrupted and repeated. With `WEHPU_LEGACY_CIPHER` and `WEHPU_LEGACY_SECRET` set it also
/// seals what the old service encrypted.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only count what would be done
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Default)]
struct Tally {
    seen: u64,
    resealed: u64,
    failed: u64,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let (mongodb, auth, legacy) = read_rekey(super::environment()?)?;
    let keys = KeyRing::new(&auth.credential_keys).ok_or("WEHPU_CREDENTIAL_KEYS holds no usable key")?;
    let store = Store::connect(mongodb.migrate_uri(), "wehpu-engine rekey").await?;
    let total = store.users.count().await?;
    let mut tally = Tally::default();
    let mut users = std::pin::pin!(store.users.all().await?);
    while let Some(user) = users.try_next().await? {
        tally.seen += 1;
        reseal(&store, &keys, legacy.as_ref(), &user, args.dry_run, &mut tally).await?;
        if tally.seen % PROGRESS_EVERY == 0 {
            println!("{} of {total} accounts, {} values re-sealed", tally.seen, tally.resealed);
        }
    }
    let verb = if args.dry_run { "to re-seal" } else { "re-sealed" };
    println!("{} accounts: {} values {verb}, {} left", tally.seen, tally.resealed, tally.failed);
    if tally.failed > 0 {
        return Err("some values could not be re-sealed: their key is missing, or they were changed meanwhile; see the lines above".into());
    }
    Ok(())
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
    for credential in CREDENTIALS {
        let Some(before) = user.sealed(credential).filter(|value| !keys.is_current(value)) else { continue };
        match open(keys, legacy, user, credential, before) {
            Ok(plain) => changes.push((credential, before, keys.seal(&user.open_id, credential.field(), &plain)?)),
            Err(why) => {
                tally.failed += 1;
                eprintln!("account {}: {}: {why}", tally.seen, credential.field());
            }
        }
    }
    let count = u64::try_from(changes.len()).unwrap_or(u64::MAX);
    if count == 0 || dry_run || store.users.reseal(&user.open_id, &changes).await? {
        tally.resealed += count;
    } else {
        tally.failed += count;
        eprintln!("account {}: changed meanwhile; run rekey again", tally.seen);
    }
    Ok(())
}

fn open(
    keys: &KeyRing,
    legacy: Option<&Legacy>,
    user: &User,
    credential: Credential,
    value: &str,
) -> Result<String, String> {
    if KeyRing::is_sealed(value) {
        let plain = keys.open(&user.open_id, credential.field(), value).map_err(|e| e.to_string())?;
        return Ok(plain.expose_secret().to_owned());
    }
    let Some(legacy) = legacy else {
        return Err(
            "not sealed; set WEHPU_LEGACY_CIPHER and WEHPU_LEGACY_SECRET to read the old service's values".to_owned()
        );
    };
    let plain = decrypt_legacy(&legacy.cipher, legacy.secret.expose_secret(), value).map_err(|e| e.to_string())?;
    // Of the id number only its last eight digits are needed, and so kept.
    let keep = if credential == Credential::IdNumber { plain.len().saturating_sub(8) } else { 0 };
    Ok(plain.get(keep..).unwrap_or_default().to_owned())
}
