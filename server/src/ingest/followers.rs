//! What becomes of edits that were held because they followed one that was held, once that is in the
//! record.

use std::collections::BTreeMap;

use diesel::SqliteConnection;
use sync_core::authority::{Former, Judged, Kept, Lane, RightsLedger, Submitter, VerifiedEdit};
use sync_core::change::Edit;
use sync_core::sync::HoldReason;
use sync_core::{ChangeHash, EntryId, LogIncarnation, Tick, guard};

use super::gather::Gathered;
use super::write::Writing;
use super::{Turn, limits};
use crate::devices;
use crate::fault::Fault;
use crate::records::AccessError;
use crate::records::vault::{Held, Vault};
use crate::storage::records::{HeldRow, Life, RecordStore as _};

/// An edit that is held because it follows what is held.
struct Follower {
    row: HeldRow,
    held: Held,
    follows: Vec<ChangeHash>,
    for_holder: bool,
}

impl Turn<'_> {
    /// A change of an entry that was held is in the record: judges anew what was held only because it
    /// followed that, and then what followed this, and decides anew of what of the rest the holder is
    /// asked. Their devices do not bring these edits again, so nobody else would.
    ///
    /// They take no more room than they did, and are added to their entry here, also where those that
    /// come are tried elsewhere first.
    pub(super) fn free_followers(
        &self,
        connection: &mut SqliteConnection,
        (writing, gathered, ledger): (&mut Writing<'_>, &mut Gathered, &mut RightsLedger),
        entry: EntryId,
    ) -> Result<(), AccessError> {
        if !gathered.kept.get(&entry).is_some_and(Kept::has_followers) {
            return Ok(());
        }
        let mut left = followers(connection, &self.admitted.vault, entry)?;
        let ended = |(log, life): (LogIncarnation, Life)| (log, life.ended);
        let lives = connection.lives(self.admitted.row.record)?;
        let lives: BTreeMap<LogIncarnation, Tick> = lives.into_iter().map(ended).collect();
        loop {
            let kept = gathered.kept.get(&entry);
            let is_freed = |follower: &Follower| {
                kept.is_some_and(|kept| kept.is_freed(&follower.held.change, &follower.follows))
            };
            let Some(at) = left.iter().position(is_freed) else {
                break;
            };
            let freed = left.remove(at);
            let told = (&mut *writing, &mut *gathered, &mut *ledger);
            self.free(connection, told, &freed, &lives)?;
        }
        for Follower {
            row,
            held,
            follows,
            for_holder,
        } in left
        {
            let of_entry = gathered.held_of.entry(entry).or_default();
            let asked = of_entry.is_for_holder(held.reason, &follows);
            if asked != for_holder {
                writing.hold_otherwise(connection, gathered, (&row, &held), asked)?;
            }
        }
        Ok(())
    }

    /// Judges one anew that follows nothing held any more.
    fn free(
        &self,
        connection: &mut SqliteConnection,
        (writing, gathered, ledger): (&mut Writing<'_>, &mut Gathered, &mut RightsLedger),
        freed: &Follower,
        lives: &BTreeMap<LogIncarnation, Tick>,
    ) -> Result<(), AccessError> {
        let Follower { row, held, .. } = freed;
        let Some((edit, submitter, registered)) = self.vouched(connection, held.edit.clone())?
        else {
            return Ok(());
        };
        let former = Former {
            lives,
            ..self.former
        };
        let handed_back = former.takes_back(&edit, registered, self.now);
        writing.carries(true);
        let tick = writing.next_tick();
        let before = limits::remember(gathered, ledger, &edit, false);
        let judged = Lane {
            record: self.admitted.row.record,
            ledger,
            matrix: &self.records.matrix,
            submitter: &submitter,
            proven: &[],
            handed_back: handed_back.then_some(former),
            entries: &mut gathered.kept,
            lease_days: self.records.lease_days.into(),
            tables: sync_core::kind::Tables::CURRENT,
            tried: None,
        }
        .submit_freed(&edit, tick);
        let bounded = (&mut *writing, &mut *gathered, ledger);
        let judged = self.bound(connection, bounded, (&edit, tick), (judged, before, None))?;
        let reason = match judged {
            Some(Judged::Accepted(admission)) => {
                writing.accept(connection, gathered, edit.edit(), &admission, tick)?;
                writing.own.remove(&tick);
                writing.freed.insert(tick);
                return Ok(());
            }
            Some(Judged::Held { held, .. }) if held.reason != HoldReason::FollowsHeld => {
                held.reason
            }
            // By what is bounded of rights.
            _ => HoldReason::NotPermitted,
        };
        let kept = gathered.kept.entry(row.entry).or_default();
        if let Some(kept) = kept.held.get_mut(&held.change) {
            kept.reason = reason;
        }
        let of_entry = gathered.held_of.entry(row.entry).or_default();
        let for_holder = of_entry.is_for_holder(reason, &freed.follows);
        let held = Held {
            reason,
            ..held.clone()
        };
        writing.hold_otherwise(connection, gathered, (row, &held), for_holder)?;
        Ok(())
    }

    /// A held edit, verified again, with who made it, as far as they are known, and when their device
    /// was registered.
    fn vouched(
        &self,
        connection: &mut SqliteConnection,
        edit: Edit,
    ) -> Result<Option<(VerifiedEdit, Submitter, Tick)>, AccessError> {
        let by = edit
            .origin
            .read()
            .map_err(|_| Fault::malformed("a held edit"))?;
        let signer = devices::signer(connection, by.device)?;
        let key = signer.map_or(self.submitter.key, |signer| signer.public_key);
        let (record, keys) = (self.admitted.row.record, self.records.server_keys());
        let Ok(edit) = VerifiedEdit::of(&record, (&key, &keys), edit) else {
            return Ok(None);
        };
        let registered = signer.map_or(Tick(u64::MAX), |signer| signer.registered);
        let proven = edit.was_in().is_some();
        let author = self.author(connection, &by, (signer.as_ref(), proven))?;
        Ok(author.map(|author| (edit, author, registered)))
    }
}

/// What is held of an entry because it follows what is held, and not decided on; the first that came
/// first.
fn followers(
    connection: &mut SqliteConnection,
    vault: &Vault<'_>,
    entry: EntryId,
) -> Result<Vec<Follower>, Fault> {
    let mut found = Vec::new();
    for row in connection.held_of_entry(vault.record(), entry)? {
        let about = vault.open_held_about((entry, row.received), &row.about)?;
        if row.settlement.is_some() || about.reason != HoldReason::FollowsHeld {
            continue;
        }
        let held = vault.open_held(&row)?;
        let inspected = guard::inspect(&held.edit.change);
        let inspected = inspected.map_err(|_| Fault::malformed("a held edit"))?;
        found.push(Follower {
            row,
            held,
            follows: inspected.past.deps,
            for_holder: about.for_holder,
        });
    }
    Ok(found)
}
