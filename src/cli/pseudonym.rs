//! `wehpu-engine pseudonym`: the words in the log for a student number and its accounts.

use secrecy::ExposeSecret;

use super::Failure;
use crate::{
    config::read_rekey,
    crypto::Pseudonyms,
    http::text::StudentId,
    store::{Store, wait_for_primary},
};

/// How long to wait for a primary.
const WAIT: std::time::Duration = std::time::Duration::from_secs(10);

/// Print the pseudonyms of a student number and of the accounts bound to it.
///
/// `number` is in the access lines of binds with this number, failed ones included; `student` is in all access lines of
/// an account. Both depend on `WEHPU_JWT_SECRET`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The student number
    number: String,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let number = StudentId::parse(&args.number).ok_or("a student number has 8 to 14 digits")?;
    let (mongodb, auth, _) = read_rekey(super::environment()?)?;
    let pseudonyms = Pseudonyms::new(auth.jwt_secret.expose_secret().as_bytes());
    println!("number {}", pseudonyms.of(number.as_str()));
    let store = Store::connect(mongodb.uri.expose_secret(), "wehpu-engine pseudonym").await?;
    wait_for_primary(&store, WAIT).await?;
    let accounts = store.users.accounts_of_student(number.as_str()).await?;
    if accounts.is_empty() {
        eprintln!("no account is bound to this number");
    }
    for account in accounts {
        println!("student {}", pseudonyms.of(&account));
    }
    Ok(())
}
