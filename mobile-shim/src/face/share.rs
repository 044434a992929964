//! Giving rights, and taking them back.

use sync_core::entry::PERSON;
use sync_core::kind::{Draft, Edit, Patch, RightDraft, RightPatch, Status, StatusCode};
use sync_core::merge::EntryView;
use sync_core::policy::{DelegationType, RightKind};
use sync_core::{EntryId, Tick};

use super::profile::person;
use super::record::entry_id;
use super::{Entry, Record};
use crate::error::CarnetError;

#[uniffi::export]
impl Record {
    /// Lets a professional read, and write if said so, until a time or until revoked.
    #[uniffi::method(default(may_write = true, until = None))]
    pub fn grant(
        &self,
        to: String,
        may_write: bool,
        until: Option<i64>,
    ) -> Result<String, CarnetError> {
        self.give(RightDraft {
            write: may_write,
            ends: until.map(tick),
            ..RightDraft::new(RightKind::Grant, person(&to)?)
        })
    }

    /// Keeps somebody out, whatever other rights they have.
    pub fn block(&self, whom: String) -> Result<String, CarnetError> {
        self.give(RightDraft::new(RightKind::Block, person(&whom)?))
    }

    /// Lets a caregiver (or another `kind` of delegate) look after the record on the holder's
    /// behalf, from and until a time.
    #[uniffi::method(default(kind = "caregiver", from = None, until = None))]
    pub fn delegate(
        &self,
        to: String,
        kind: String,
        from: Option<i64>,
        until: Option<i64>,
    ) -> Result<String, CarnetError> {
        self.give(RightDraft {
            delegation_type: Some(DelegationType::from(kind)),
            starts: from.map(tick),
            ends: until.map(tick),
            ..RightDraft::new(RightKind::Delegation, person(&to)?)
        })
    }

    /// Names the treating physician (*médecin traitant*), who sees hidden entries too.
    pub fn set_treating_physician(&self, who: String) -> Result<String, CarnetError> {
        self.give(RightDraft::new(RightKind::TreatingPhysician, person(&who)?))
    }

    /// Names an administrator, who sees hidden entries too.
    pub fn add_administrator(&self, who: String) -> Result<String, CarnetError> {
        self.give(RightDraft::new(RightKind::Administrator, person(&who)?))
    }

    /// Takes back a right: the identifier is that of its entry.
    #[uniffi::method(default(reason = None))]
    pub fn revoke(&self, right: String, reason: Option<String>) -> Result<(), CarnetError> {
        let entry = entry_id(&right)?;
        let mut patch = self.right(&entry)?;
        patch.common.status = Some(match reason {
            Some(reason) => Status::because(StatusCode::Revoked, reason),
            None => StatusCode::Revoked.into(),
        });
        self.edit(entry, &Patch::Right(patch))
    }

    /// Until when a right holds: changes its end, or takes it away.
    #[uniffi::method(default(until = None))]
    pub fn set_end(&self, right: String, until: Option<i64>) -> Result<(), CarnetError> {
        let entry = entry_id(&right)?;
        let mut patch = self.right(&entry)?;
        patch.ends = until.map_or(Edit::Clear, |until| Edit::Set(tick(until)));
        self.edit(entry, &Patch::Right(patch))
    }

    /// The rights that name a person and were not taken back.
    pub fn rights_of(&self, whom: String) -> Result<Vec<Entry>, CarnetError> {
        let whom = person(&whom)?.to_string();
        let profile = self.profile()?;
        let names = self.names(&profile)?;
        let views = self.views()?;
        let about = |view: &&EntryView| {
            let mut persons = view.claims(PERSON).iter();
            view.kind.right().is_some()
                && view.counts()
                && persons.any(|claim| claim.value.as_text() == Some(&whom))
        };
        Ok(views
            .iter()
            .filter(about)
            .map(|view| names.entry(view))
            .collect())
    }
}

impl Record {
    fn give(&self, right: RightDraft) -> Result<String, CarnetError> {
        Ok(self.add(&Draft::Right(right))?.to_string())
    }

    /// The patch of a right, before it says anything.
    fn right(&self, entry: &EntryId) -> Result<RightPatch, CarnetError> {
        let views = self.views()?;
        let kind = views.find(entry).and_then(|view| view.kind.right());
        Ok(RightPatch::new(kind.ok_or(CarnetError::NotFound)?))
    }
}

fn tick(millis: i64) -> Tick {
    Tick(u64::try_from(millis).unwrap_or(0).saturating_mul(1000))
}
