//! Tells students that another WeChat account has bound their student number: this is allowed, but they should know.

use chrono::{Datelike, Timelike};

use super::Messenger;

/// The template of this notice in `WEHPU_WECHAT_TEMPLATES`, for example `SECOND_BIND=<template
/// id>:thing1,character_string2,time3`. Clients cannot use it.
pub const SECOND_BIND_TEMPLATE: &str = "SECOND_BIND";

const TEXT: &str = "您的学号被另一微信帐号绑定";

impl Messenger {
    /// Tells the accounts `others` that one more account has bound `student_id`. A message needs a template and a
    /// subscription of the receiver and may fail, so the number of accounts reached is logged and counted.
    ///
    /// `student` is the student's pseudonym for the log.
    pub async fn report_second_bind(&self, others: &[String], student_id: &str, student: &str) {
        let mut reached = 0_usize;
        if let Some(template) = self.templates.iter().find(|t| t.client_id == SECOND_BIND_TEMPLATE) {
            let now = self.campus_time();
            let time =
                format!("{}年{}月{}日 {:02}:{:02}", now.year(), now.month(), now.day(), now.hour(), now.minute());
            let values: Vec<&str> = template.fields.iter().map(|field| value_for(field, student_id, &time)).collect();
            for open_id in others {
                let sent = match self.compose(template, &values, None) {
                    Ok(message) => self.send(open_id, &message).await,
                    Err(error) => Err(error),
                };
                match sent {
                    Ok(()) => reached += 1,
                    Err(error) => tracing::info!(%error, student, "a notice of a second bind was not delivered"),
                }
            }
        }
        metrics::counter!("second_binds_total").increment(1);
        tracing::warn!(student, accounts = others.len(), reached, "a student number was bound by a further account");
    }
}

/// The value of a field, by its kind.
fn value_for<'a>(field: &str, student_id: &'a str, time: &'a str) -> &'a str {
    match field.trim_end_matches(|c: char| c.is_ascii_digit()) {
        "time" | "date" => time,
        "character_string" | "number" => student_id,
        "phrase" => "重复绑定",
        "thing" => TEXT,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notice_fills_whatever_kinds_of_fields_the_template_has() {
        let of = |field| value_for(field, "311509000001", "2026年11月4日 09:05");
        assert_eq!(of("thing1"), TEXT);
        assert_eq!(of("character_string2"), "311509000001");
        assert_eq!(of("time3"), "2026年11月4日 09:05");
        assert!(TEXT.chars().count() <= 20);
    }
}
