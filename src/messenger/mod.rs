//! Messages to students and the check of their texts through WeChat, with the access token that all replicas share.
//! When WeChat refuses the token, it is replaced and the call retried once.

mod access_token;
mod second_bind;

use std::{future::Future, sync::Arc};

use chrono::{DateTime, FixedOffset};
use secrecy::SecretString;
use tokio_util::task::TaskTracker;

use crate::{
    clock::{Clock, campus_time},
    config::{self, Profile, Template},
    crypto::{KeyRing, SealError},
    store::{Store, StoreError},
    wechat::{Edition, Message, Opinion, Unfit, Wechat, WechatError, fit},
};
use access_token::SharedToken;
pub use second_bind::SECOND_BIND_TEMPLATE;

/// Why a message or check failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MessengerError {
    /// WeChat failed or refused.
    #[error(transparent)]
    Wechat(#[from] WechatError),
    /// A value does not fit the template's field.
    #[error("keyword{keyword} does not fit its field")]
    Unfit {
        /// Number of the value, from 1.
        keyword: usize,
        /// What would fit, in Chinese.
        takes: &'static str,
    },
    /// The database, which holds the access token, did not answer.
    #[error("{0}")]
    Store(Arc<StoreError>),
    /// The access token could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The task that fetches the token panicked; the log has the panic.
    #[error("fetching the access token was aborted")]
    Aborted,
}

impl From<StoreError> for MessengerError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl MessengerError {
    /// Short lower-case word for metrics.
    fn kind(&self) -> &'static str {
        match self {
            Self::Wechat(WechatError::NotSubscribed) => "not_subscribed",
            Self::Wechat(WechatError::RateLimited) => "rate_limited",
            Self::Wechat(WechatError::TemplateRejected(_)) => "template_rejected",
            Self::Wechat(WechatError::TextRisky) => "risky",
            Self::Wechat(WechatError::UserInactive) => "inactive",
            _ => "failed",
        }
    }

    /// Whether only we or WeChat caused it, so that the caller may try again without using up a permit.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        !matches!(
            self,
            Self::Unfit { .. }
                | Self::Wechat(
                    WechatError::NotSubscribed
                        | WechatError::UnknownUser
                        | WechatError::UnknownPage
                        | WechatError::TextRisky
                        | WechatError::UserInactive
                )
        )
    }
}

/// The parts of the messenger.
pub struct Parts {
    pub wechat: Wechat,
    pub store: Store,
    pub keys: Arc<KeyRing>,
    pub clock: Clock,
    pub tasks: TaskTracker,
    /// Name of this replica, unique among the running ones.
    pub replica: Arc<str>,
}

/// Sends messages and checks texts through WeChat.
#[derive(Clone)]
pub struct Messenger {
    parts: Arc<Parts>,
    token: SharedToken,
    templates: Arc<[Template]>,
    opens: Edition,
}

impl std::fmt::Debug for Messenger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Messenger").field("templates", &self.templates).finish_non_exhaustive()
    }
}

impl Messenger {
    /// Joins the parts. In the `dev` profile messages open the developer's edition of the mini-program.
    #[must_use]
    pub fn new(parts: Parts, config: &config::Wechat, profile: Profile) -> Self {
        let parts = Arc::new(parts);
        Self {
            token: SharedToken::new(Arc::clone(&parts), &config.app_id),
            parts,
            templates: config.templates.clone().into(),
            opens: if profile == Profile::Prod { Edition::Formal } else { Edition::Developer },
        }
    }

    /// The template with the client's id `client_id`. Clients cannot use the one for the service's own notices.
    #[must_use]
    pub fn template(&self, client_id: &str) -> Option<&Template> {
        self.templates.iter().find(|t| t.client_id == client_id && client_id != SECOND_BIND_TEMPLATE)
    }

    /// A message of `template` with `values` in the order of its fields, each made to fit. Missing values get a filler.
    ///
    /// # Errors
    /// [`MessengerError::Unfit`] for the first value that cannot be made to fit.
    pub fn compose(
        &self,
        template: &Template,
        values: &[&str],
        page: Option<String>,
    ) -> Result<Message, MessengerError> {
        let now = self.campus_time();
        let values = values.iter().copied().chain(std::iter::repeat(""));
        let fitted = template.fields.iter().zip(values).enumerate().map(|(at, (field, value))| {
            let value =
                fit(field, value, now).map_err(|Unfit(takes)| MessengerError::Unfit { keyword: at + 1, takes })?;
            Ok((field.clone(), value))
        });
        let fields = fitted.collect::<Result<_, MessengerError>>()?;
        Ok(Message { template_id: template.template_id.clone(), page, fields, opens: self.opens })
    }

    fn campus_time(&self) -> DateTime<FixedOffset> {
        campus_time(self.parts.clock.now())
    }

    /// Sends `message` to one account.
    pub async fn send(&self, open_id: &str, message: &Message) -> Result<(), MessengerError> {
        let outcome = self.with_token(|token| self.parts.wechat.send(token, open_id, message)).await;
        let kind = outcome.as_ref().map_or_else(MessengerError::kind, |()| "sent");
        metrics::counter!("wechat_messages_total", "outcome" => kind).increment(1);
        outcome
    }

    /// Accepts `text` by `open_id`, or refuses it: with [`WechatError::TextRisky`], or with
    /// [`WechatError::UserInactive`] when WeChat does not check what this author writes.
    ///
    /// Doubtful texts are accepted and counted. A text that could not be checked is never accepted, because other
    /// people would see it under the service's name. The author can open the mini-program again, or try again later.
    pub async fn check_text(&self, open_id: &str, text: &str) -> Result<(), MessengerError> {
        let opinion = self.with_token(|token| self.parts.wechat.check_text(token, open_id, text)).await;
        let (word, outcome) = match opinion {
            Ok(Opinion::Pass) => ("pass", Ok(())),
            Ok(Opinion::Review) => ("review", Ok(())),
            Ok(Opinion::Risky) => ("risky", Err(WechatError::TextRisky.into())),
            Err(e) => (e.kind(), Err(e)),
        };
        metrics::counter!("wechat_text_checks_total", "outcome" => word).increment(1);
        outcome
    }

    /// Does `call` with the shared token. When WeChat refuses the token, retries once with a new one.
    async fn with_token<T, F>(&self, call: impl Fn(SecretString) -> F) -> Result<T, MessengerError>
    where
        F: Future<Output = Result<T, WechatError>>,
    {
        let token = self.token.current().await?;
        match call(token.value.clone()).await {
            Err(WechatError::TokenRefused(code)) => {
                tracing::info!(code, "WeChat refused the access token; asking for another");
                let other = self.token.instead_of(&token).await?;
                Ok(call(other.value).await?)
            }
            outcome => Ok(outcome?),
        }
    }
}
