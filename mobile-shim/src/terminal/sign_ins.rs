//! Commands about what lets a person in, and about what they may do.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::PhoneError;
use super::here::Here;
use super::output::moment;
use super::phone::known_kind;
use super::pick::pick;
use super::read::find;
use crate::error::CarnetError;
use crate::face::{Record, Wish};

/// What to do with passkeys or devices.
#[derive(Subcommand)]
pub enum Manage {
    /// Call one otherwise.
    Rename {
        /// A name or identifier, or enough of it.
        which: String,
        /// What it is called from now on.
        name: String,
    },
    /// Let it in no more.
    Revoke {
        /// A name or identifier, or enough of it.
        which: String,
    },
}

/// What to do with sign-ins.
#[derive(Subcommand)]
pub enum End {
    /// End one: whoever has it must sign in again.
    End {
        /// Its identifier, the name of its device, or enough of either.
        which: String,
    },
}

/// What a person may want to do.
#[derive(Args)]
pub struct May {
    /// What.
    #[arg(value_enum)]
    what: What,
    /// To what: a kind to add, an entry, or an item's number in the to-review list.
    #[arg(required_if_eq_any([
        ("what", "add"), ("what", "edit"), ("what", "hide"), ("what", "hide-from-representatives"),
        ("what", "review"),
    ]))]
    object: Option<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum What {
    /// Add an entry of a kind.
    Add,
    /// Edit an entry.
    Edit,
    /// Hide an entry from professionals.
    Hide,
    /// Hide an entry from caregivers and representatives.
    HideFromRepresentatives,
    /// Give rights.
    Share,
    /// Settle an item of the to-review list.
    Review,
    /// Read the access log.
    ReadLog,
}

impl Here<'_> {
    /// Fails, saying why, when the current person may not do something, as far as this phone knows:
    /// what the server would hold is not shown as done.
    pub(super) fn allowed(&self, record: &Record, wish: Wish) -> Result<(), PhoneError> {
        let permission = record.may(wish)?;
        match permission.reason {
            _ if permission.allowed => Ok(()),
            Some(reason) if reason == "not-synced" => Err(CarnetError::NotSynced.into()),
            reason => Err(CarnetError::NotPermitted {
                reason: reason.unwrap_or_default(),
            }
            .into()),
        }
    }

    /// Whether the current person may do something; fails when not.
    pub(super) fn may(&self, may: &May) -> Result<ExitCode, PhoneError> {
        let record = self.record()?;
        let object = may.object.as_deref().unwrap_or_default();
        let entry = || Ok::<_, PhoneError>(find(&record, object)?.id);
        let wish = match may.what {
            What::Add => Wish::Add {
                kind: known_kind(object)?.to_owned(),
            },
            What::Edit => Wish::Edit { entry: entry()? },
            What::Hide => Wish::Hide { entry: entry()? },
            What::HideFromRepresentatives => Wish::HideFromRepresentatives { entry: entry()? },
            What::Share => Wish::Share,
            What::Review => {
                let items = record.to_review()?;
                let number: Option<usize> = object.parse().ok();
                let at = number.and_then(|number| number.checked_sub(1));
                let item = at.and_then(|at| items.get(at));
                Wish::Review {
                    item: item.ok_or(PhoneError::NoItem)?.key.clone(),
                }
            }
            What::ReadLog => Wish::ReadLog,
        };
        let permission = record.may(wish)?;
        self.output.print(&permission, |output| {
            let answer = match (permission.allowed, permission.as_proposal) {
                (true, false) => output.say("yes", "oui"),
                (true, true) => output.say("yes, as a proposal", "oui, comme proposition"),
                (false, _) => output.say("no", "non"),
            };
            match &permission.words {
                Some(words) => out!("{answer}: {}", output.of(words)),
                None => out!("{answer}"),
            }
        });
        Ok(match permission.allowed {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }

    pub(super) fn passkeys(&self, manage: Option<Manage>) -> Result<(), PhoneError> {
        let profile = self.profile()?;
        let passkeys = profile.passkeys()?;
        match manage {
            Some(Manage::Rename { which, name }) => {
                let one = pick(&passkeys, &which, |one| [&one.name, &one.id])?;
                profile.rename_passkey(one.id.clone(), name)?;
                self.done(RENAMED);
            }
            Some(Manage::Revoke { which }) => {
                let one = pick(&passkeys, &which, |one| [&one.name, &one.id])?;
                profile.revoke_passkey(one.id.clone())?;
                self.done((
                    "Revoked: it signs nobody in any more.",
                    "Révoqué : il ne permet plus de se connecter.",
                ));
            }
            None => self.output.print(&passkeys, |output| {
                for one in &passkeys {
                    let used = one.last_used.map(moment).map(|at| {
                        format!("  {} {at}", output.say("last used", "dernière utilisation"))
                    });
                    let (used, ended) = (used.unwrap_or_default(), output.ended(one.revoked));
                    out!("{}  {}{used}{ended}", one.id, one.name);
                }
            }),
        }
        Ok(())
    }

    pub(super) fn devices(&self, manage: Option<Manage>) -> Result<(), PhoneError> {
        let profile = self.profile()?;
        let devices = profile.devices()?;
        match manage {
            Some(Manage::Rename { which, name }) => {
                let one = pick(&devices, &which, |one| [&one.name, &one.id])?;
                profile.rename_device(one.id.clone(), name)?;
                self.done(RENAMED);
            }
            Some(Manage::Revoke { which }) => {
                let one = pick(&devices, &which, |one| [&one.name, &one.id])?;
                profile.revoke_device(one.id.clone())?;
                self.done((
                    "Revoked: nothing it signs is taken any more.",
                    "Révoqué : plus rien de ce qu’il signe n’est accepté.",
                ));
            }
            None => self.output.print(&devices, |output| {
                for one in &devices {
                    let ended = output.ended(one.revoked);
                    out!(
                        "{}  {}{}{ended}",
                        one.id,
                        one.name,
                        output.here(one.current)
                    );
                }
            }),
        }
        Ok(())
    }

    pub(super) fn sessions(&self, manage: Option<End>) -> Result<(), PhoneError> {
        let profile = self.profile()?;
        let sessions = profile.sessions()?;
        let devices = profile.devices()?;
        let named = |id: &Option<String>| {
            let device = devices
                .iter()
                .find(|device| Some(&device.id) == id.as_ref());
            let browser = self.output.say("a browser", "un navigateur");
            device.map_or(browser, |device| device.name.as_str())
        };
        let names: Vec<String> = sessions
            .iter()
            .map(|one| named(&one.device).to_owned())
            .collect();
        if let Some(End::End { which }) = manage {
            let named: Vec<_> = names.iter().zip(&sessions).collect();
            let (_, one) = pick(&named, &which, |(name, one)| [name, &one.id])?;
            profile.end_session(one.id.clone())?;
            self.done((
                "Ended: whoever has it must sign in again.",
                "Terminée : il faudra s’y reconnecter.",
            ));
            return Ok(());
        }
        self.output.print(&sessions, |output| {
            for (one, device) in sessions.iter().zip(&names) {
                let (seen, here) = (moment(one.last_seen), output.here(one.current));
                out!("{}  {device}  {seen}{here}", one.id);
            }
        });
        Ok(())
    }
}

const RENAMED: (&str, &str) = ("Renamed.", "Renommé.");
