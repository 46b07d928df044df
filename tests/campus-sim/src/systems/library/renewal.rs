//! Renewing a loan: the link at its row sends the page back to itself, with the page's state in hidden fields.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::student::Loan;

/// By how many days a renewal extends a loan.
const DAYS: u32 = 30;

/// What the page keeps in its hidden fields; another list of loans has another one.
pub(super) struct State {
    pub(super) view: String,
    pub(super) validation: String,
}

impl State {
    pub(super) fn of(loans: &[Loan]) -> Self {
        let mut hasher = DefaultHasher::new();
        for loan in loans {
            (&loan.copy_number, loan.renewals, &loan.due_on, loan.renewable).hash(&mut hasher);
        }
        let digest = hasher.finish();
        // Base64 as ASP.NET writes it has characters that a form must escape.
        Self { view: format!("/wEPDwUK{digest:016x}+dk=="), validation: format!("/wEWAgL+{:08x}/==", digest >> 32) }
    }
}

/// What the link of a row names as its target.
pub(super) fn target(row: usize) -> String {
    format!("ctl00$ContentPlaceHolder1$GridView1$ctl{:02}$LinkButton1", row + 2)
}

/// The row whose link has this target; rows that cannot be renewed have none.
pub(super) fn row(wanted: &str, loans: &[Loan]) -> Option<usize> {
    (0..loans.len()).find(|&row| target(row) == wanted && loans[row].renewable)
}

/// Why the library refuses although the link is there.
pub(super) fn refusal(loan: &Loan) -> Option<&'static str> {
    loan.overdue.starts_with("超期").then_some("该书已超期，不能续借！")
}

/// The loan after a renewal; a second one is not offered.
pub(super) fn renew(loan: &mut Loan) {
    loan.renewals += 1;
    loan.renewable = false;
    loan.due_on = later(&loan.due_on);
}

/// `date`, [`DAYS`] later; a text that is no date stays as it is.
fn later(date: &str) -> String {
    let mut parts = date.splitn(3, '-').map(str::parse::<u32>);
    let (Some(Ok(mut year)), Some(Ok(mut month)), Some(Ok(day))) = (parts.next(), parts.next(), parts.next()) else {
        return date.to_owned();
    };
    let mut day = day + DAYS;
    while day > days_of(year, month) {
        day -= days_of(year, month);
        (year, month) = if month >= 12 { (year + 1, 1) } else { (year, month + 1) };
    }
    format!("{year}-{month:02}-{day:02}")
}

fn days_of(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::later;

    #[test]
    fn a_day_is_put_off_over_the_ends_of_months_and_years() {
        assert_eq!(later("2017-11-02"), "2017-12-02");
        assert_eq!(later("2017-12-15"), "2018-01-14");
        assert_eq!(later("2016-02-10"), "2016-03-11");
        assert_eq!(later("bald"), "bald");
    }
}
