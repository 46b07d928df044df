//! Captchas that the student reads: a login stops at one and goes on with his answer, in any replica.

/// A captcha, and what is needed to go on with the login.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The picture as the system sent it.
    pub picture: Vec<u8>,
    /// Its media type.
    pub media_type: &'static str,
    /// What the system must be sent back with the answer, as text that only its adapter understands. It holds no password,
    /// but it is as secret as a session.
    pub flow: String,
    /// Whether the system has just refused the answer to another one.
    pub wrong: bool,
}

impl Challenge {
    /// A captcha with this picture; `None` when it is no picture. `flow` must hold no password.
    #[must_use]
    pub fn new(picture: Vec<u8>, flow: String, wrong: bool) -> Option<Self> {
        let media_type = media_type(&picture)?;
        Some(Self { picture, media_type, flow, wrong })
    }
}

impl std::fmt::Debug for Challenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Challenge").field("wrong", &self.wrong).finish_non_exhaustive()
    }
}

/// A student's answer to a [`Challenge`].
#[derive(Clone)]
pub struct CaptchaAnswer {
    /// [`Challenge::flow`] of the captcha that is answered.
    pub flow: String,
    /// What the student read.
    pub text: String,
}

impl std::fmt::Debug for CaptchaAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CaptchaAnswer")
    }
}

/// The media type of a picture by its first bytes; `None` for what no student could see as a picture.
#[must_use]
pub fn media_type(picture: &[u8]) -> Option<&'static str> {
    match picture {
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [b'G', b'I', b'F', ..] => Some("image/gif"),
        _ => None,
    }
}
