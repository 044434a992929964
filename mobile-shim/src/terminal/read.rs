//! Commands that read, sync and follow.

use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use sync_core::kind::Kind;

use super::PhoneError;
use super::here::Here;
use super::kinds::kind_named;
use super::output::{Output, short};
use super::phone::DOCUMENTS;
use super::pick::pick;
use crate::error::CarnetError;
use crate::face::{
    ChangeListener, Entry, EntryLine, LiveListener, LiveMode, ProfileInfo, Record, RecordState,
    SyncListener, SyncResult,
};

#[derive(Serialize)]
struct Whoami {
    profile: ProfileInfo,
    signed_in: bool,
    record: Option<RecordState>,
}

impl Here<'_> {
    pub(super) fn whoami(&self) -> Result<(), PhoneError> {
        let profile = self.profile()?;
        let who = Whoami {
            profile: profile.info()?,
            signed_in: profile.is_signed_in()?,
            record: match self.record() {
                Ok(record) => Some(record.state()?),
                Err(_) => None,
            },
        };
        self.output.print(&who, |output| {
            out!("{} · {}", who.profile.name, output.place(&who.profile));
            out!("{}", who.profile.person);
            if let Some(state) = &who.record {
                output.state(state, !who.profile.server.is_empty());
            }
        });
        Ok(())
    }

    pub(super) fn profiles(&self) -> Result<(), PhoneError> {
        let profiles = self.phone.carnet.profiles()?;
        self.output.print(&profiles, |output| {
            for profile in &profiles {
                let (place, locked) = (output.place(profile), output.locked(profile));
                out!("{}  {} · {place}{locked}", profile.person, profile.name);
            }
        });
        Ok(())
    }

    pub(super) fn invite(&self) -> Result<(), PhoneError> {
        let invitation = self.profile()?.invite()?;
        self.output.print(&invitation, |_| {
            out!("{}", invitation.code);
            out!("{}", invitation.link);
        });
        Ok(())
    }

    pub(super) fn records(&self) -> Result<(), PhoneError> {
        let profile = self.profile()?;
        let records = match profile.refresh_records() {
            Err(CarnetError::Offline | CarnetError::SignInNeeded) => profile.records()?,
            refreshed => refreshed?,
        };
        self.output
            .print(&records, |output| output.records(&records));
        Ok(())
    }

    pub(super) fn list(&self, kind: Option<&str>, errors: bool) -> Result<(), PhoneError> {
        let named = kind.filter(|kind| *kind != DOCUMENTS);
        let named = named.map(kind_named).transpose()?;
        self.still_open()?;
        let mut entries = self.record()?.list(errors)?;
        entries.retain(|entry| match kind {
            Some(DOCUMENTS) => matches!(Kind::from(entry.kind.as_str()), Kind::Document(_)),
            Some(_) => named.as_ref().is_some_and(|kind| kind.code() == entry.kind),
            None => entry.kind != "review-decision",
        });
        self.output
            .print(&entries, |output| output.entries(&entries));
        Ok(())
    }

    pub(super) fn show(&self, name: &str) -> Result<(), PhoneError> {
        let entry = find(&*self.record()?, name)?;
        self.output.print(&entry, |output| output.entry(&entry));
        Ok(())
    }

    pub(super) fn held(&self, drop: Option<&str>) -> Result<(), PhoneError> {
        let record = self.record()?;
        if let Some(named) = drop {
            let all = record.held()?;
            let mut found = all.iter().filter(|held| held.change.starts_with(named));
            match (found.next(), found.next()) {
                (Some(one), None) => record.drop_destroyed_edit(one.change.clone())?,
                _ => return Err(PhoneError::NoneCalled),
            }
        }
        let (held, destroyed) = (record.held()?, record.destroyed()?);
        self.output.print(&held, |output| {
            output.held(&held);
            output.destroyed(&destroyed);
        });
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<(), PhoneError> {
        let record = self.record()?;
        let bar = (!self.output.json).then(|| {
            let bar = indicatif::ProgressBar::new_spinner();
            Arc::new(Bar(bar, self.output.say("received", "reçu").to_owned()))
        });
        let progress = bar.clone().map(|bar| bar as Arc<dyn SyncListener>);
        let result = record.sync_now(progress, None);
        if let Some(bar) = bar {
            bar.0.finish_and_clear();
        }
        if !matches!(
            result,
            Err(CarnetError::Offline | CarnetError::SignInNeeded)
        ) {
            self.still_open()?;
        }
        let result = result?;
        self.output.print(&result, |output| output.synced(&result));
        Ok(())
    }

    pub(super) fn live(&self) -> Result<(), PhoneError> {
        let record = self.record()?;
        let screen = Arc::new(Screen {
            record: record.clone(),
            output: *self.output,
        });
        let watch = record.watch(screen.clone())?;
        let live = record.go_live(Some(screen))?;
        let stop = self.output.say("Enter ends it.", "Entrée pour arrêter.");
        note!("{stop}");
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        live.stop();
        watch.stop();
        Ok(())
    }

    pub(super) fn log(&self, verify: bool) -> Result<ExitCode, PhoneError> {
        let record = self.record()?;
        if !verify {
            let lines = record.access_log()?;
            self.output.print(&lines, |output| output.log(&lines));
            return Ok(ExitCode::SUCCESS);
        }
        let check = record.verify_access_log()?;
        self.output.print(&check, |output| output.log_check(&check));
        Ok(match check.intact {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }
}

/// The entry that is meant by an identifier, its end, or enough of its label or summary. What was
/// decided names entries by their identifiers, and is meant only where no entry is.
pub(super) fn find(record: &Record, name: &str) -> Result<Entry, PhoneError> {
    find_among(record, name, |_| true)
}

/// The same, of several so called the one that `fits`.
pub(super) fn find_among(
    record: &Record,
    name: &str,
    fits: impl Fn(&EntryLine) -> bool,
) -> Result<Entry, PhoneError> {
    let all = record.list(true)?.into_iter();
    let decision = |entry: &EntryLine| entry.kind == Kind::ReviewDecision.code();
    let (decisions, entries): (Vec<EntryLine>, Vec<EntryLine>) = all.partition(decision);
    let (fitting, others): (Vec<EntryLine>, Vec<EntryLine>) = entries.into_iter().partition(fits);
    for entries in [&fitting, &others] {
        match named(record, entries, name) {
            Err(PhoneError::NoneCalled) => {}
            found => return found,
        }
    }
    named(record, &decisions, name)
}

fn named(record: &Record, entries: &[EntryLine], name: &str) -> Result<Entry, PhoneError> {
    let called = pick(entries, name, |entry| {
        let summary = &entry.summary;
        [&entry.label, &summary.en, &summary.fr, &entry.id]
    });
    let found = called?;
    Ok(record.entry(found.id.clone())?)
}

/// Shows how far a sync has come.
struct Bar(indicatif::ProgressBar, String);

impl SyncListener for Bar {
    fn progressed(&self, so_far: SyncResult, _: u64) {
        self.0
            .set_message(format!("{} {}", self.1, so_far.received));
        self.0.tick();
    }
}

/// Prints what changes while a record is followed.
struct Screen {
    record: Arc<Record>,
    output: Output,
}

impl ChangeListener for Screen {
    fn entries_changed(&self, changed: Vec<String>, gone: Vec<String>) {
        for id in changed {
            if let Ok(entry) = self.record.entry(id) {
                out!("~ {}  {}", short(&entry.id), self.output.of(&entry.summary));
            }
        }
        for id in gone {
            out!("- {}", short(&id));
        }
    }
}

impl LiveListener for Screen {
    fn live_changed(&self, mode: LiveMode) {
        self.output.live(mode);
    }
}
