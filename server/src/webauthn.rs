//! Signing in with passkeys: one-time codes that let somebody enrol, ceremonies kept in the store
//! until they are finished once, and the passkeys themselves.

pub mod ceremonies;
pub mod codes;
pub mod jwk;
pub mod passkeys;
mod refused;

use std::time::Duration;

use sync_core::PersonId;
use url::Url;
use webauthn_rs::prelude::{
    AuthenticationResult, CreationChallengeResponse, CredentialID, DiscoverableAuthentication,
    Passkey, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential,
    RequestChallengeResponse, Webauthn, WebauthnError,
};
use webauthn_rs::{DEFAULT_AUTHENTICATOR_TIMEOUT, WebauthnBuilder};
use webauthn_rs_proto::ResidentKeyRequirement;

use crate::config::{Config, ConfigError};
pub use refused::CeremonyRefused;

/// How long a ceremony may take: what authenticators are told, and a minute for the way there and
/// back.
pub const CEREMONY_LASTS: Duration =
    Duration::from_secs(DEFAULT_AUTHENTICATOR_TIMEOUT.as_secs() + 60);

/// The party that passkeys are bound to.
pub struct RelyingParty(Webauthn);

impl RelyingParty {
    /// The party that the configuration describes: web origins and apps.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let fail = || ConfigError::RpId {
            found: config.rp_id.clone(),
        };
        let mut builder = WebauthnBuilder::new(&config.rp_id, config.public_url())
            .map_err(|_| fail())?
            .rp_name(&config.rp_name)
            .allow_any_port(config.any_port);
        for origin in config.origins.iter().skip(1) {
            builder = builder.append_allowed_origin(origin);
        }
        for app in &config.android_apps {
            builder =
                builder.append_allowed_origin(&Url::parse(&app.origin()).map_err(|_| fail())?);
        }
        builder.build().map(Self).map_err(|_| fail())
    }

    /// Options for making a passkey that can be found without a name (discoverable) and that
    /// verifies its user, and what is needed to check the result.
    pub fn start_enrolment(
        &self,
        person: PersonId,
        name: &str,
        known: Vec<CredentialID>,
    ) -> Result<(CreationChallengeResponse, PasskeyRegistration), WebauthnError> {
        let (mut options, state) =
            self.0
                .start_passkey_registration(person.0, name, name, Some(known))?;
        // The library discourages discoverable credentials; people sign in here by nothing else.
        let selection = options
            .public_key
            .authenticator_selection
            .get_or_insert_default();
        selection.resident_key = Some(ResidentKeyRequirement::Required);
        selection.require_resident_key = true;
        Ok((options, state))
    }

    /// Checks what an authenticator made.
    pub fn finish_enrolment(
        &self,
        credential: &RegisterPublicKeyCredential,
        state: &PasskeyRegistration,
    ) -> Result<Passkey, CeremonyRefused> {
        let passkey = self.0.finish_passkey_registration(credential, state)?;
        let properties = credential.extensions.cred_props.as_ref();
        if properties.is_some_and(|properties| properties.rk == Some(false)) {
            return Err(CeremonyRefused::NotDiscoverable);
        }
        Ok(passkey)
    }

    /// Options for signing in with whichever passkey its owner chooses.
    pub fn start_sign_in(
        &self,
    ) -> Result<(RequestChallengeResponse, DiscoverableAuthentication), WebauthnError> {
        let (mut options, state) = self.0.start_discoverable_authentication()?;
        // The library ties this to a browser's autofill; an app asks outright.
        options.mediation = None;
        Ok((options, state))
    }

    /// Checks an assertion against the passkey it names, user verification included.
    pub fn finish_sign_in(
        &self,
        credential: &PublicKeyCredential,
        state: DiscoverableAuthentication,
        passkey: &Passkey,
    ) -> Result<AuthenticationResult, CeremonyRefused> {
        let result = self
            .0
            .finish_discoverable_authentication_v2(credential, state, passkey)?;
        if result.user_verified() {
            Ok(result)
        } else {
            Err(CeremonyRefused::NotVerified)
        }
    }
}
