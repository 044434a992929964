use webauthn_rs::prelude::WebauthnError;

use crate::http::{Problem, ProblemType};

/// Why a ceremony did not succeed, as far as it may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CeremonyRefused {
    /// There is no such ceremony: finished, expired, or never begun.
    #[error("this ceremony was finished, has expired or never began; start again")]
    Unknown,
    /// The page or app is not one of those configured.
    #[error("the origin of the page or app is not one this server takes")]
    Origin,
    /// The authenticator did not verify its user.
    #[error("the authenticator did not verify its user; set up a screen lock or PIN")]
    NotVerified,
    /// The authenticator made a passkey that cannot be found without a name.
    #[error("the authenticator did not keep a discoverable passkey; use another")]
    NotDiscoverable,
    /// The counter went back: the passkey may have been copied.
    #[error("the passkey's counter went back, as if it had been copied; enrol a new one")]
    Counter,
    /// Anything else: an unknown or revoked passkey, a wrong signature, a wrong challenge.
    #[error("the passkey was not accepted; start again")]
    Refused,
}

impl From<WebauthnError> for CeremonyRefused {
    fn from(error: WebauthnError) -> Self {
        match error {
            WebauthnError::InvalidRPOrigin | WebauthnError::InvalidRPIDHash => Self::Origin,
            WebauthnError::UserNotVerified => Self::NotVerified,
            WebauthnError::CredentialPossibleCompromise => Self::Counter,
            _ => Self::Refused,
        }
    }
}

impl From<CeremonyRefused> for Problem {
    fn from(refused: CeremonyRefused) -> Self {
        Problem::new(ProblemType::CeremonyRefused).detail(refused.to_string())
    }
}
