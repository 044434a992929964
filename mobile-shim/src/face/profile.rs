//! A person at a server.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sync_core::PersonId;

use super::runtime::wait;
use super::{ProfileInfo, Record};
use crate::account;
use crate::device::Device;
use crate::driver::{Method, end_session, signed_call, token};
use crate::error::{CarnetError, Error};
use crate::seal::RowKey;
use crate::store::Secrets;

/// A person at a server, on this device; unlocked until [`Profile::lock`].
#[derive(Debug, uniffi::Object)]
pub struct Profile {
    device: Arc<Device>,
    row: RowKey,
}

/// A record that a profile may open.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct RecordInfo {
    /// The record.
    pub id: String,
    /// Whose it is.
    pub holder: String,
    /// Their name.
    pub holder_name: String,
    /// In what role it is opened: `holder`, `caregiver`, `physician` …
    pub role: String,
    /// The roles to choose from, with [`Record::act_as`].
    pub roles: Vec<String>,
    /// The person's right has ended: what the record said is forgotten, and it is not to be listed
    /// among those that can be opened. Own edits that did not get into it are still there.
    pub ended: bool,
}

/// Somebody to whom a right can be given.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize, uniffi::Record)]
pub struct Person {
    /// The person.
    #[serde(rename = "person")]
    pub id: String,
    /// Their name.
    pub name: String,
    /// Their verified profession.
    #[serde(default)]
    pub profession: Option<String>,
}

/// An invitation to make another passkey, on another device.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize, uniffi::Record)]
pub struct Invitation {
    /// The code, to be typed.
    pub code: String,
    /// What the QR code holds.
    pub link: String,
    /// When it ends.
    pub expires: i64,
}

impl Profile {
    pub(super) fn new(device: Arc<Device>, row: RowKey) -> Arc<Self> {
        Arc::new(Profile { device, row })
    }

    pub(super) fn ask<A: DeserializeOwned + Send + 'static>(
        &self,
        method: Method,
        path: String,
    ) -> Result<A, CarnetError> {
        self.call(method, path, None::<()>)
    }

    /// Tells the server something to which it answers nothing.
    pub(super) fn tell<Q: Serialize + Send + Sync + 'static>(
        &self,
        method: Method,
        path: String,
        body: Option<Q>,
    ) -> Result<(), CarnetError> {
        self.call(method, path, body)
    }

    fn call<Q, A>(&self, method: Method, path: String, body: Option<Q>) -> Result<A, CarnetError>
    where
        Q: Serialize + Send + Sync + 'static,
        A: DeserializeOwned + Send + 'static,
    {
        let device = self.device.clone();
        let profile = device.profile(&self.row)?;
        Ok(wait(async move {
            signed_call(&device, &profile, method, &path, body.as_ref()).await
        })?)
    }

    pub(super) fn secrets(&self) -> Result<Secrets, CarnetError> {
        let profile = self.device.profile(&self.row)?;
        Ok(self.device.store().secrets(&profile)?)
    }

    /// Forgets a sign-in that was ended at the server.
    pub(super) fn forget_session(&self) -> Result<(), CarnetError> {
        let profile = self.device.profile(&self.row)?;
        Ok(end_session(&self.device, &profile)?)
    }
}

#[uniffi::export]
impl Profile {
    /// Who it is of.
    pub fn info(&self) -> Result<ProfileInfo, CarnetError> {
        let profile = self.device.profile(&self.row)?;
        let card = profile.card.clone();
        Ok(ProfileInfo::new(&self.row, card, false, true))
    }

    /// Forgets its key: nothing of it can be read until its person unlocks it or signs in.
    pub fn lock(&self) -> Result<(), CarnetError> {
        Ok(self.device.lock(&self.row)?)
    }

    /// Whether the sign-in stands, as far as this device knows.
    pub fn is_signed_in(&self) -> Result<bool, CarnetError> {
        let profile = self.device.profile(&self.row)?;
        Ok(token(&self.device, &profile).is_ok())
    }

    /// Ends the sign-in, at the server too if it can be reached. What is on this device stays.
    pub fn sign_out(&self) -> Result<(), CarnetError> {
        let device = self.device.clone();
        let profile = device.profile(&self.row)?;
        Ok(wait(async move {
            // The token is forgotten here whether the server hears of it or not.
            let told = signed_call::<(), serde_json::Value>;
            let _ = told(&device, &profile, Method::Post, "/v1/sign-out", None).await;
            end_session(&device, &profile)
        })?)
    }

    /// The records it may open, as last heard, and those whose right has ended.
    pub fn records(&self) -> Result<Vec<RecordInfo>, CarnetError> {
        let profile = self.device.profile(&self.row)?;
        let cards = self.device.store().records(&profile)?;
        Ok(cards
            .into_iter()
            .map(|card| RecordInfo {
                id: card.record.to_string(),
                holder: card.holder.to_string(),
                ended: card.has_ended(),
                holder_name: card.name,
                role: card.role.as_str().to_owned(),
                roles: card.roles.iter().map(ToString::to_string).collect(),
            })
            .collect())
    }

    /// Asks the server anew which records it may open.
    pub fn refresh_records(&self) -> Result<Vec<RecordInfo>, CarnetError> {
        let device = self.device.clone();
        let profile = device.profile(&self.row)?;
        wait(async move { account::refresh_records(&device, &profile).await })?;
        self.records()
    }

    /// Opens one of its records.
    pub fn record(&self, id: String) -> Result<Arc<Record>, CarnetError> {
        let record = id.parse().map_err(|_| CarnetError::NotFound)?;
        let profile = self.device.profile(&self.row)?;
        let known = self.device.store().record(&profile, &record)?;
        known.ok_or(CarnetError::NotFound)?;
        Ok(Record::new(self.device.clone(), self.row, record))
    }

    /// Takes a record off this device whose right has ended. Own edits that did not get into it
    /// are lost with it.
    pub fn forget_record(&self, id: String) -> Result<(), CarnetError> {
        let record = id.parse().map_err(|_| CarnetError::NotFound)?;
        let profile = self.device.profile(&self.row)?;
        Ok(self.device.store().forget_record(&profile, &record)?)
    }

    /// Finds a health professional by their RPPS number, to give them a right.
    pub fn find_professional(&self, rpps: String) -> Result<Person, CarnetError> {
        let rpps = sync_core::identity::Rpps::parse(&rpps)
            .map_err(|_| Error::Argument { field: "rpps" })?;
        let search = ProfessionalSearch {
            rpps: rpps.expose().to_owned(),
        };
        let path = "/v1/professionals/search".to_owned();
        self.call(Method::Post, path, Some(search))
    }

    /// Makes a code with which this person makes another passkey, on another device.
    pub fn invite(&self) -> Result<Invitation, CarnetError> {
        self.ask(Method::Post, "/v1/me/invitations".to_owned())
    }
}

/// Whom to look for: a number that says who somebody is does not travel in an address.
#[derive(Serialize)]
struct ProfessionalSearch {
    rpps: String,
}

/// A person's identifier as an app has it.
pub(super) fn person(id: &str) -> Result<PersonId, Error> {
    id.trim()
        .parse()
        .map_err(|_| Error::Argument { field: "person" })
}
