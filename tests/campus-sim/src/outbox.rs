//! What the simulated systems received, kept for inspection.

use std::collections::VecDeque;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::world::lock;

/// Number of the newest items of each kind that are kept.
const KEPT: usize = 10_000;

/// Everything sent, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Sent {
    /// Subscribe messages that `WeChat` accepted.
    pub messages: VecDeque<SentMessage>,
    /// Texts that were checked.
    pub checks: VecDeque<TextCheck>,
    /// Issues created on `GitHub`.
    pub issues: VecDeque<Issue>,
    /// Repair orders.
    pub repairs: VecDeque<RepairOrder>,
}

/// An accepted subscribe message.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SentMessage {
    /// Receiver.
    pub openid: String,
    /// Template.
    pub template_id: String,
    /// The call's whole body.
    pub body: Value,
}

/// A text that `WeChat` was asked about.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TextCheck {
    /// Who wrote it.
    pub openid: String,
    /// The text.
    pub content: String,
    /// `pass`, `review` or `risky`.
    pub suggest: &'static str,
}

/// An issue on `GitHub`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Issue {
    /// `owner/name`.
    pub repo: String,
    /// Its number in the repository.
    pub number: u64,
    /// Title.
    pub title: String,
    /// Text.
    pub body: String,
    /// Labels.
    #[serde(default)]
    pub labels: Vec<String>,
}

/// A repair order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RepairOrder {
    /// Who was logged in.
    pub student_id: String,
    /// The form, in the order it came.
    pub fields: Vec<(String, String)>,
}

/// What was sent, behind a lock.
#[derive(Debug, Default)]
pub(crate) struct Outbox(Mutex<Sent>);

impl Outbox {
    pub(crate) fn snapshot(&self) -> Sent {
        lock(&self.0).clone()
    }

    pub(crate) fn clear(&self) {
        *lock(&self.0) = Sent::default();
    }

    pub(crate) fn message(&self, message: SentMessage) {
        keep(&mut lock(&self.0).messages, message);
    }

    pub(crate) fn check(&self, check: TextCheck) {
        keep(&mut lock(&self.0).checks, check);
    }

    pub(crate) fn issue(&self, issue: Issue) {
        keep(&mut lock(&self.0).issues, issue);
    }

    pub(crate) fn repair(&self, order: RepairOrder) {
        keep(&mut lock(&self.0).repairs, order);
    }
}

fn keep<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() >= KEPT {
        list.pop_front();
    }
    list.push_back(item);
}
