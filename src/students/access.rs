//! What opens which campus system, and what a student logs in with there.

use secrecy::SecretString;

use super::StudentError;
use crate::{
    campus::academic::AcademicLogin,
    crypto::KeyRing,
    outbound::System,
    school::{self, Ability, Academic, School},
    store::{Credential, User},
};

/// What a campus system is asked for. Which system that is, and whether there is one, the school's profile says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// What the academic system shows.
    Academic(Ability),
    /// A reader's loans.
    Loans,
    /// The library's catalogue, which anybody may ask.
    Catalogue,
    /// Physical tests.
    Physical,
    /// Repair orders.
    Repair,
}

impl Service {
    /// Whether anybody may ask, without a login.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Catalogue)
    }
}

/// A system, and the passwords that open it.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    /// The system that is asked, and whose session is kept.
    pub system: System,
    /// Each password with the system that it is sent to. Empty: no login is needed.
    credentials: &'static [(Credential, System)],
}

impl Access {
    /// What opens `service` for a student of this number; `None` where the school does not offer it.
    #[must_use]
    pub fn of(service: Service, student_id: &str, school: &School) -> Option<Self> {
        let services = &school.services;
        let (offered, system, credentials): (_, _, &'static [_]) = match service {
            Service::Academic(ability) => {
                let academic = school.academic_of(student_id).filter(|academic| academic.abilities.has(ability));
                return academic.map(Self::academic);
            }
            Service::Loans => (services.library.is_some(), System::Library, &[(Credential::Library, System::Library)]),
            Service::Catalogue => (services.library.is_some(), System::Library, &[]),
            Service::Physical => {
                (services.physical.is_some(), System::Physical, &[(Credential::IdNumber, System::Physical)])
            }
            Service::Repair => (services.repair.is_some(), System::Repair, &[(Credential::IdNumber, System::Repair)]),
        };
        offered.then_some(Self { system, credentials })
    }

    /// What opens an academic system.
    #[must_use]
    pub fn academic(academic: &Academic) -> Self {
        use school::{Login::Cas, System as Kind};
        const AT_CAS: &[(Credential, System)] = &[(Credential::Jwc, System::Cas)];
        let (system, credentials): (_, &'static [_]) = match (&academic.system, academic.login) {
            // It lies behind the VPN, so it takes two passwords.
            (Kind::UrpClassic, _) => (System::Urp, &[(Credential::Vpn, System::Vpn), (Credential::Jwc, System::Urp)]),
            (Kind::Eams(_), Cas) => (System::Eams, AT_CAS),
            (Kind::Eams(_), _) => (System::Eams, &[(Credential::Jwc, System::Eams)]),
            (Kind::Jwglxt(_), Cas) => (System::Jwglxt, AT_CAS),
            (Kind::Jwglxt(_), _) => (System::Jwglxt, &[(Credential::Jwc, System::Jwglxt)]),
        };
        Self { system, credentials }
    }

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

    /// Whether `user` can log in: every password must be there, and one that the campus refused is not sent again.
    ///
    /// # Errors
    /// [`StudentError::NoPassword`], [`StudentError::Rejected`].
    pub fn check(&self, user: &User) -> Result<(), StudentError> {
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
                Credential::Jwc => login.academic = opened,
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
    /// Password of the academic system, or of the sign-on in front of it.
    pub academic: SecretString,
    /// Password of the library.
    pub library: SecretString,
    /// End of the id number.
    pub id_number: SecretString,
}

impl From<&Login> for AcademicLogin {
    fn from(login: &Login) -> Self {
        Self {
            student_id: login.student_id.clone(),
            vpn_password: login.vpn.clone(),
            password: login.academic.clone(),
            by_hand: false,
            answer: None,
        }
    }
}
