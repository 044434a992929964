use std::str::FromStr;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sync_core::Digest32;
use zeroize::Zeroizing;

use crate::fault::Fault;

/// What proves a session: 32 random bytes, as text 43 characters of base64url.
#[derive(Clone)]
pub struct Token(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    pub(super) fn random() -> Result<Self, Fault> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes)?;
        Ok(Self(bytes))
    }

    /// What the store knows the token by. A plain hash: there is too much chance in a token to
    /// guess at it.
    pub(super) fn hash(&self) -> [u8; 32] {
        Digest32::of(&[b"carnet/session/1", &*self.0]).0
    }

    /// The text to give to the client, once.
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(*self.0)
    }
}

impl FromStr for Token {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).map_err(|_| ())?);
        let bytes: [u8; 32] = bytes[..].try_into().map_err(|_| ())?;
        Ok(Self(Zeroizing::new(bytes)))
    }
}
