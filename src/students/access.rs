//! What opens which campus system, and what a student logs in with there.

use secrecy::SecretString;

use super::StudentError;
use crate::{
    campus::urp::UrpLogin,
    crypto::KeyRing,
    outbound::System,
    store::{Credential, User},
};

/// A system, and the passwords that open it.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    /// The system that is asked, and whose session is kept.
    pub system: System,
    /// Each password with the system that it is sent to. Empty: no login is needed.
    credentials: &'static [(Credential, System)],
}

impl Access {
    /// The academic system; it lies behind the VPN, so it takes two passwords.
    pub const URP: Self =
        Self { system: System::Urp, credentials: &[(Credential::Vpn, System::Vpn), (Credential::Jwc, System::Urp)] };

    /// A reader's account at the library.
    pub const LIBRARY: Self = Self { system: System::Library, credentials: &[(Credential::Library, System::Library)] };

    /// Physical education.
    pub const PHYSICAL: Self =
        Self { system: System::Physical, credentials: &[(Credential::IdNumber, System::Physical)] };

    /// Repairs.
    pub const REPAIR: Self = Self { system: System::Repair, credentials: &[(Credential::IdNumber, System::Repair)] };

    /// A system that anybody may ask.
    #[must_use]
    pub const fn open(system: System) -> Self {
        Self { system, credentials: &[] }
    }

    /// Whether anybody may ask, without a login.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.credentials.is_empty()
    }

    /// Whether `user` may ask at all.
    ///
    /// # Errors
    /// [`StudentError::NotBound`] when a login is needed and no campus accounts are bound.
    pub fn check_bound(&self, user: &User) -> Result<(), StudentError> {
        if user.bind || self.is_open() { Ok(()) } else { Err(StudentError::NotBound) }
    }

    /// Whether `user` can log in: every password must be there, and one that the campus refused is not sent again.
    ///
    /// # Errors
    /// [`StudentError::NotBound`], [`StudentError::NoPassword`], [`StudentError::Rejected`].
    pub fn check(&self, user: &User) -> Result<(), StudentError> {
        self.check_bound(user)?;
        for (credential, system) in self.credentials {
            if user.sealed(*credential).is_none() {
                return Err(StudentError::NoPassword(*system));
            }
            if user.is_rejected(*credential) {
                return Err(StudentError::Rejected(*system));
            }
        }
        Ok(())
    }

    /// What `user` logs in with.
    ///
    /// # Errors
    /// [`StudentError::NoPassword`]; [`StudentError::Seal`] when a stored password does not open.
    pub fn login(&self, user: &User, keys: &KeyRing) -> Result<Login, StudentError> {
        let mut login = Login { student_id: user.student_id.clone(), ..Login::default() };
        for (credential, system) in self.credentials {
            let sealed = user.sealed(*credential).ok_or(StudentError::NoPassword(*system))?;
            let opened = keys.open(&user.open_id, credential.field(), sealed)?;
            match credential {
                Credential::Vpn => login.vpn = opened,
                Credential::Jwc => login.urp = opened,
                Credential::Library => login.library = opened,
                Credential::IdNumber => login.id_number = opened,
            }
        }
        Ok(login)
    }

    /// The passwords that are sent to `system`.
    pub fn credentials_of(&self, system: System) -> impl Iterator<Item = Credential> {
        self.credentials.iter().filter(move |(_, of)| *of == system).map(|(credential, _)| *credential)
    }
}

/// What a student logs in with; what the system does not ask for is empty.
#[derive(Debug, Default)]
pub struct Login {
    /// Student number.
    pub student_id: String,
    /// Password of the VPN.
    pub vpn: SecretString,
    /// Password of the URP.
    pub urp: SecretString,
    /// Password of the library.
    pub library: SecretString,
    /// End of the id number.
    pub id_number: SecretString,
}

impl From<&Login> for UrpLogin {
    fn from(login: &Login) -> Self {
        Self {
            student_id: login.student_id.clone(),
            vpn_password: login.vpn.clone(),
            urp_password: login.urp.clone(),
            by_hand: false,
        }
    }
}
