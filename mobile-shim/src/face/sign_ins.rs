//! What lets a person in: their passkeys, devices and sessions, as the server lists them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sync_core::DeviceId;
use sync_core::sign::PublicKey;
use uuid::Uuid;

use super::Profile;
use crate::driver::Method;
use crate::error::CarnetError;

/// A passkey of the person.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, uniffi::Record)]
pub struct PasskeyInfo {
    /// Names it.
    pub id: String,
    /// What the person calls it.
    pub name: String,
    /// When it was made.
    pub created: i64,
    /// When it signed the person in last.
    #[serde(default)]
    pub last_used: Option<i64>,
    /// When it was revoked.
    #[serde(default)]
    pub revoked: Option<i64>,
}

/// A device of the person.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, uniffi::Record)]
pub struct DeviceInfo {
    /// Names it.
    pub id: String,
    /// What the person calls it.
    pub name: String,
    /// When it was registered.
    pub created: i64,
    /// When it was revoked.
    #[serde(default)]
    pub revoked: Option<i64>,
    /// Whether it is this one.
    #[serde(default)]
    pub current: bool,
}

/// A sign-in that stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, uniffi::Record)]
pub struct SessionInfo {
    /// Names it.
    pub id: String,
    /// On which device, as [`DeviceInfo`] names it; nothing in a browser.
    #[serde(default)]
    pub device: Option<String>,
    /// When it was opened.
    pub created: i64,
    /// When it ends at the latest.
    pub expires: i64,
    /// When it was last used, to within half a day.
    pub last_seen: i64,
    /// Whether it is this one.
    pub current: bool,
}

#[derive(Serialize)]
struct Rename {
    name: String,
}

#[uniffi::export]
impl Profile {
    /// The person's passkeys.
    pub fn passkeys(&self) -> Result<Vec<PasskeyInfo>, CarnetError> {
        self.ask(Method::Get, "/v1/me/passkeys".to_owned())
    }

    /// Calls a passkey otherwise.
    pub fn rename_passkey(&self, id: String, name: String) -> Result<(), CarnetError> {
        self.tell(Method::Patch, one("passkeys", &id)?, Some(Rename { name }))
    }

    /// Revokes a passkey: it signs nobody in any more, and what it had opened is ended. The last
    /// one cannot be revoked.
    pub fn revoke_passkey(&self, id: String) -> Result<(), CarnetError> {
        self.tell(Method::Delete, one("passkeys", &id)?, None::<()>)
    }

    /// The person's devices.
    pub fn devices(&self) -> Result<Vec<DeviceInfo>, CarnetError> {
        let mut devices: Vec<DeviceInfo> = self.ask(Method::Get, "/v1/me/devices".to_owned())?;
        let here = self.device_id()?;
        for device in &mut devices {
            device.current = device.id == here;
        }
        Ok(devices)
    }

    /// Calls a device otherwise.
    pub fn rename_device(&self, id: String, name: String) -> Result<(), CarnetError> {
        self.tell(Method::Patch, device(&id)?, Some(Rename { name }))
    }

    /// Revokes a device: nothing it signs from now on is taken, and it is signed out. What it had
    /// not sent yet is lost with it.
    pub fn revoke_device(&self, id: String) -> Result<(), CarnetError> {
        self.tell(Method::Delete, device(&id)?, None::<()>)?;
        match id == self.device_id()? {
            true => self.forget_session(),
            false => Ok(()),
        }
    }

    /// The person's sign-ins that stand.
    pub fn sessions(&self) -> Result<Vec<SessionInfo>, CarnetError> {
        self.ask(Method::Get, "/v1/me/sessions".to_owned())
    }

    /// Ends a sign-in, of this device or of another.
    pub fn end_session(&self, id: String) -> Result<(), CarnetError> {
        let current = self
            .sessions()?
            .into_iter()
            .any(|session| session.current && session.id == id);
        self.tell(Method::Delete, one("sessions", &id)?, None::<()>)?;
        match current {
            true => self.forget_session(),
            false => Ok(()),
        }
    }
}

impl Profile {
    /// How the server names this device.
    fn device_id(&self) -> Result<String, CarnetError> {
        let key = self.secrets()?.device_key()?;
        let id = DeviceId::of(&PublicKey::of(&key));
        Ok(URL_SAFE_NO_PAD.encode(id.as_bytes()))
    }
}

/// Where one of these is; nothing but its identifier gets into the path.
fn one(things: &str, id: &str) -> Result<String, CarnetError> {
    let id: Uuid = id.trim().parse().map_err(|_| CarnetError::NotFound)?;
    Ok(format!("/v1/me/{things}/{id}"))
}

fn device(id: &str) -> Result<String, CarnetError> {
    let bytes = URL_SAFE_NO_PAD.decode(id.trim());
    let bytes = bytes.map_err(|_| CarnetError::NotFound)?;
    let known = DeviceId::from_slice(&bytes).ok_or(CarnetError::NotFound)?;
    Ok(format!(
        "/v1/me/devices/{}",
        URL_SAFE_NO_PAD.encode(known.as_bytes())
    ))
}
