//! The choice of profile and record that the commands work on.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::output::Output;
use super::pick::pick;
use super::{Phone, PhoneError};
use crate::error::CarnetError;
use crate::face::{Profile, Record, RecordInfo};

/// Where the last choice of profile and record is kept: identifiers only.
pub(super) const CHOICES: &str = "terminal.json";

/// The last choice of profile and record.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Choices {
    profile: Option<String>,
    record: Option<String>,
}

impl Choices {
    pub(super) fn load(folder: &Path) -> Self {
        let text = std::fs::read(folder.join(CHOICES)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    pub(super) fn save(&self, folder: &Path) -> Result<(), PhoneError> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        Ok(super::private::write(&folder.join(CHOICES), &text)?)
    }
}

/// A phone, and what its commands work on.
pub(super) struct Here<'h> {
    pub choices: Choices,
    pub folder: &'h Path,
    pub phone: &'h Phone,
    pub output: &'h Output,
}

impl Here<'_> {
    /// The current profile: the one chosen last, or the only one.
    pub fn profile(&self) -> Result<Arc<Profile>, PhoneError> {
        let profiles = self.phone.carnet.profiles()?;
        let chosen = profiles
            .iter()
            .find(|profile| Some(&profile.id) == self.choices.profile.as_ref())
            .or_else(|| profiles.first())
            .ok_or(PhoneError::Empty)?;
        Ok(self.phone.carnet.unlock(chosen.id.clone())?)
    }

    /// The current record.
    pub fn record(&self) -> Result<Arc<Record>, PhoneError> {
        let (profile, chosen) = self.chosen()?;
        Ok(profile.record(chosen.id)?)
    }

    /// Fails when the person's right to the current record has ended; notes it when the record has not
    /// come whole yet.
    pub fn still_open(&self) -> Result<(), PhoneError> {
        let (profile, chosen) = self.chosen()?;
        if !chosen.ended {
            let state = profile.record(chosen.id)?.state()?;
            if let Some(lacking) = state.lacks {
                note!("{}", self.output.lacks(lacking));
            }
            return Ok(());
        }
        let state = profile.record(chosen.id)?.state()?;
        Err(PhoneError::Ended {
            waiting: state.waiting,
            set_aside: state.set_aside,
        })
    }

    /// The current record: the one chosen last, the profile's own, one that is open, or one whose
    /// right has ended.
    pub(super) fn chosen(&self) -> Result<(Arc<Profile>, RecordInfo), PhoneError> {
        let profile = self.profile()?;
        let person = profile.info()?.person;
        let mut records = profile.records()?;
        if records.is_empty() {
            records = profile.refresh_records()?;
        }
        let chosen = records
            .iter()
            .find(|record| Some(&record.id) == self.choices.record.as_ref())
            .or_else(|| records.iter().find(|record| record.holder == person))
            .or_else(|| records.iter().find(|record| !record.ended))
            .or_else(|| records.first())
            .ok_or(PhoneError::NoRecord)?;
        Ok((profile, chosen.clone()))
    }

    /// Goes on with a profile just opened; those of others are locked.
    pub(super) fn chose_profile(&mut self, profile: &Profile) -> Result<(), PhoneError> {
        let info = profile.info()?;
        for other in self.phone.carnet.profiles()? {
            if other.id != info.id {
                self.phone.carnet.lock(other.id)?;
            }
        }
        self.choices = Choices {
            profile: Some(info.id.clone()),
            record: None,
        };
        self.choices.save(self.folder)?;
        self.output.print(&info, |output| {
            out!("{} · {}", info.name, output.place(&info));
        });
        Ok(())
    }

    pub(super) fn enrol(&mut self, server: &str, code: &str) -> Result<(), PhoneError> {
        let profile = self.phone.enrol(server, code)?;
        self.chose_profile(&profile)
    }

    pub(super) fn sign_in(
        &mut self,
        server: Option<String>,
        person: Option<String>,
    ) -> Result<(), PhoneError> {
        let profiles = self.phone.carnet.profiles()?;
        let chosen = match &person {
            Some(name) => Some(pick(&profiles, name, |p| [&p.name, &p.person])?),
            None => profiles
                .iter()
                .find(|profile| Some(&profile.id) == self.choices.profile.as_ref()),
        };
        if profiles.is_empty() && server.is_none() {
            return Err(PhoneError::Empty);
        }
        let server = server
            .or_else(|| chosen.map(|profile| profile.server.clone()))
            .filter(|server| !server.is_empty())
            .ok_or(CarnetError::SignInNeeded)?;
        let person = chosen.map(|profile| profile.person.as_str());
        let profile = self.phone.sign_in(&server, person)?;
        self.chose_profile(&profile)
    }

    pub(super) fn switch(&mut self, name: &str) -> Result<(), PhoneError> {
        let profiles = self.phone.carnet.profiles()?;
        let chosen = pick(&profiles, name, |p| [&p.name, &p.person])?;
        let profile = self.phone.unlock(chosen)?;
        self.chose_profile(&profile)
    }

    pub(super) fn choose(&mut self, name: &str, role: Option<String>) -> Result<(), PhoneError> {
        let records = self.profile()?.refresh_records();
        let records = records.or_else(|_| self.profile()?.records().map_err(PhoneError::from))?;
        let chosen = pick(&records, name, |r| [&r.holder_name, &r.id])?;
        self.choices.record = Some(chosen.id.clone());
        self.choices.save(self.folder)?;
        if let Some(role) = role {
            self.record()?.act_as(role)?;
        }
        let chosen = self.profile()?.records()?.into_iter();
        let chosen: Vec<_> = chosen
            .filter(|record| Some(&record.id) == self.choices.record.as_ref())
            .collect();
        self.output.print(&chosen, |output| output.records(&chosen));
        Ok(())
    }
}
