//! Checks the acknowledged writes: through the service if it shows them, and in the database, where doubles are
//! visible.

use std::{collections::HashMap, time::Instant};

use mongodb::bson::doc;

use crate::{
    Failure,
    api::{Api, Kind},
    campus::TABLES,
    ledger::{Ledger, Register, Write},
    members::Members,
    sim::{Sent, Sim},
};

/// The problems found, with the time when the write was acknowledged.
#[derive(Debug, Default)]
pub struct Findings {
    /// Acknowledged writes that are missing.
    pub lost: Vec<(Instant, String)>,
    /// Acknowledged writes that were stored more than once.
    pub doubled: Vec<(Instant, String)>,
    /// Number of writes checked.
    pub checked: usize,
}

/// Compares every nickname with the last one acknowledged before this check. Only accounts written to since `since`.
pub async fn registers(api: &Api, ledger: &Ledger, since: Instant, findings: &mut Findings) -> Result<(), Failure> {
    for register in ledger.registers() {
        let Some((acknowledged, at)) = register.acknowledged.filter(|(_, at)| *at >= since) else { continue };
        let (answer, stored) = ledger.history.read(api, Kind::Read("verify"), &register.account).await;
        let Some(stored) = stored else {
            return Err(format!("an account cannot be read afterwards: {:?} {}", answer.status, answer.code()).into());
        };
        findings.checked += 1;
        if !is_explained(&register, acknowledged, stored) {
            findings.lost.push((at, format!("nickname {acknowledged}, stored is {stored}")));
        }
    }
    Ok(())
}

/// Whether `stored` is possible: the account may have been written to after the ledger was read, and an unclear write
/// may have happened.
fn is_explained(register: &Register, acknowledged: u64, stored: u64) -> bool {
    stored >= acknowledged || register.unclear == Some(stored)
}

/// Checks all writes in the ledger.
///
/// # Errors
/// When something cannot be read.
pub async fn everything(api: &Api, ledger: &Ledger, members: &Members, sim: &Sim) -> Result<Findings, Failure> {
    let mut findings = Findings::default();
    let writes = ledger.writes();
    if let Some((begin, _)) = writes.first() {
        registers(api, ledger, *begin, &mut findings).await?;
    }
    accounts_and_binds(&writes, members, &mut findings).await?;
    tables(&writes, members, &mut findings).await?;
    outside(&writes, &sim.sent().await?, &mut findings);
    uploads(&writes, api, ledger, members, &mut findings).await?;
    Ok(findings)
}

type Writes = [(Instant, Write)];

async fn accounts_and_binds(writes: &Writes, members: &Members, findings: &mut Findings) -> Result<(), Failure> {
    let accounts = members.count_by("users", "openId", doc! {}).await?;
    let bound = members.documents("users", doc! { "bind": true }, doc! { "openId": 1, "studentId": 1 }).await?;
    let bound: HashMap<&str, &str> =
        bound.iter().filter_map(|user| Some((user.get_str("openId").ok()?, user.get_str("studentId").ok()?))).collect();
    for (at, write) in writes {
        match write {
            Write::Account(open_id) => {
                findings.checked += 1;
                match accounts.get(open_id) {
                    None => findings.lost.push((*at, format!("account {open_id}"))),
                    Some(1) => {}
                    Some(n) => findings.doubled.push((*at, format!("account {open_id}: {n} times"))),
                }
            }
            Write::Bind { open_id, student } => {
                findings.checked += 1;
                if bound.get(open_id.as_str()) != Some(&student.as_str()) {
                    findings.lost.push((*at, format!("bind of {open_id}")));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

async fn tables(writes: &Writes, members: &Members, findings: &mut Findings) -> Result<(), Failure> {
    for table in TABLES {
        let stored = members.documents(table.collection, doc! {}, doc! { "owner": 1, "fetchedAt": 1 }).await?;
        let mut latest: HashMap<(&str, &str), (i64, usize)> = HashMap::new();
        for snapshot in &stored {
            let at = snapshot.get_datetime("fetchedAt").map_or(0, |at| at.timestamp_millis());
            let Ok(owner) = snapshot.get_document("owner") else { continue };
            let of = |field: &str| owner.get_str(field).unwrap_or_default();
            let entry = latest.entry((of("openId"), of("studentId"))).or_default();
            *entry = (entry.0.max(at), entry.1 + 1);
        }
        for (at, write) in writes {
            let Write::Table { collection, open_id, student, fetched_at } = write else { continue };
            if *collection != table.collection {
                continue;
            }
            findings.checked += 1;
            let (newest, copies) = latest.get(&(open_id.as_str(), student.as_str())).copied().unwrap_or_default();
            if newest < *fetched_at {
                findings.lost.push((*at, format!("{collection} of {student}: {} ms older", fetched_at - newest)));
            }
            if copies > 1 {
                findings.doubled.push((*at, format!("{collection} of {student}: {copies} times")));
            }
        }
    }
    Ok(())
}

/// Checks reports and repair orders in the systems that received them.
fn outside(writes: &Writes, sent: &Sent, findings: &mut Findings) {
    let issues = copies(sent.issues.iter().map(|issue| issue.body.as_str()));
    let repairs = copies(sent.repairs.iter().flat_map(|order| &order.fields).map(|(_, value)| value.as_str()));
    for (at, write) in writes {
        let (what, found, text) = match write {
            Write::Feedback(text) => ("report", &issues, text),
            Write::Repair(text) => ("repair", &repairs, text),
            _ => continue,
        };
        findings.checked += 1;
        let word = text.split_whitespace().last().unwrap_or_default();
        match found.get(word) {
            None => findings.lost.push((*at, format!("{what} {text}"))),
            Some(1) => {}
            Some(n) => findings.doubled.push((*at, format!("{what} {text}: {n} times"))),
        }
    }
}

/// How often each word occurs.
fn copies<'a>(texts: impl Iterator<Item = &'a str>) -> HashMap<&'a str, usize> {
    let mut copies = HashMap::new();
    for word in texts.flat_map(str::split_whitespace) {
        *copies.entry(word).or_default() += 1;
    }
    copies
}

async fn uploads(
    writes: &Writes,
    api: &Api,
    ledger: &Ledger,
    members: &Members,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let mut acknowledged: HashMap<&str, (usize, Instant)> = HashMap::new();
    for (at, write) in writes {
        let Write::Upload { owner, path, content } = write else { continue };
        findings.checked += 1;
        acknowledged.entry(owner).or_insert((0, *at)).0 += 1;
        let answer = api.get(Kind::Read("verify"), path, None).await;
        if !answer.is_ok() || answer.bytes != *content {
            findings.lost.push((*at, format!("file {path}: {:?}", answer.status)));
        }
    }
    let stored = members.count_by("files", "owner", doc! { "until": { "$exists": false } }).await?;
    let unclear = ledger.unclear_uploads();
    for (owner, (count, at)) in acknowledged {
        let stored = stored.get(owner).copied().unwrap_or_default();
        if stored > count + unclear.get(owner).copied().unwrap_or_default() {
            findings.doubled.push((at, format!("files: {stored} stored, {count} acknowledged")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Account;

    #[test]
    fn a_nickname_is_lost_when_it_is_older_than_the_last_one_acknowledged() {
        let account = Account { open_id: String::new(), token: String::new() };
        let register = Register { account, acknowledged: Some((7, Instant::now())), unclear: Some(8) };
        assert!(is_explained(&register, 7, 7));
        assert!(is_explained(&register, 7, 8));
        assert!(!is_explained(&register, 7, 6));
        assert!(!is_explained(&register, 7, 0));
    }
}
