use std::str::FromStr;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::ConfigError;

/// An Android app, by its package and the SHA-256 of its signing certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AndroidApp {
    /// The package name.
    pub package: String,
    /// The certificate's fingerprint.
    pub fingerprint: [u8; 32],
}

impl AndroidApp {
    /// The origin that Android gives to WebAuthn for this app.
    pub fn origin(&self) -> String {
        let hash = URL_SAFE_NO_PAD.encode(self.fingerprint);
        format!("android:apk-key-hash:{hash}")
    }

    /// The fingerprint as Digital Asset Links have it: hexadecimal with colons.
    pub fn fingerprint_text(&self) -> String {
        self.fingerprint.map(|byte| format!("{byte:02X}")).join(":")
    }
}

impl FromStr for AndroidApp {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let fail = || ConfigError::AndroidApp {
            found: text.to_owned(),
        };
        let (package, fingerprint) = text.split_once('=').ok_or_else(fail)?;
        let name = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
        if package.is_empty() || !package.chars().all(name) {
            return Err(fail());
        }
        let digits: String = fingerprint.chars().filter(|c| *c != ':').collect();
        if digits.len() != 64 || !digits.is_ascii() {
            return Err(fail());
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            let pair = &digits[index * 2..index * 2 + 2];
            *byte = u8::from_str_radix(pair, 16).map_err(|_| fail())?;
        }
        Ok(Self {
            package: package.to_owned(),
            fingerprint: bytes,
        })
    }
}

/// An Apple app, by its team and bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppleApp(pub String);

impl FromStr for AppleApp {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let bundle = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        match text.split_once('.') {
            Some((team, name))
                if team.len() == 10
                    && team.chars().all(|c| c.is_ascii_alphanumeric())
                    && !name.is_empty()
                    && name.chars().all(bundle) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(ConfigError::AppleApp {
                found: text.to_owned(),
            }),
        }
    }
}
