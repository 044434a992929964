//! Rights: given, taken back, and what the holder decides of held edits.

use sync_core::entry::Write;
use sync_core::replica::LocalEntry;
use sync_core::sync::{HeldEdit, HoldReason};
use sync_core::{ChangeHash, EntryId, guard};

use super::{DAY, World};
use crate::cast::Who;
use crate::device::Device;
use crate::oracle::RIGHTS;

impl World {
    /// Most histories start with the rights most records have.
    pub(super) fn first_rights(&mut self) -> Result<(), String> {
        let phone = 0;
        let usual = [
            (Who::Carer, "delegation"),
            (Who::Treating, "treating-physician"),
            (Who::Doctor, "grant"),
            (Who::Nurse, "grant"),
            (Who::Blocked, "grant"),
            (Who::Blocked, "block"),
        ];
        for (who, right) in usual {
            if self.dice.percent(85) {
                self.give(phone, who, right)?;
            }
        }
        self.sync(phone)?;
        self.run_until(self.now + 60_000_000)?;
        self.everybody_syncs()?;
        // Whoever is restored later has at least this.
        self.devices.iter_mut().for_each(Device::copy_store);
        Ok(())
    }

    /// The holder gives somebody a right.
    pub(super) fn give_any(&mut self, device: usize) -> Result<(), String> {
        let others = &Who::ALL[1..];
        let who = *self.dice.pick(others).unwrap_or(&Who::Doctor);
        let usual = match who {
            Who::Carer | Who::OtherCarer => "delegation",
            _ => "grant",
        };
        let right = match self.dice.below(10) {
            0..5 => usual,
            5..8 => "block",
            8 => "administrator",
            _ => RIGHTS[self.dice.below(RIGHTS.len() as u64) as usize],
        };
        self.give(device, who, right)
    }

    fn give(&mut self, device: usize, who: Who, right: &str) -> Result<(), String> {
        let mut writes = vec![
            Write::set("kind", right),
            Write::set("schema", sync_core::entry::Value::Uint(1)),
            Write::set("status", r#"{"status":"active"}"#),
            Write::set("person", self.cast.id(who).to_string()),
        ];
        match right {
            "delegation" => writes.push(Write::set("type", "caregiver")),
            "grant" => writes.push(Write::set("write", !self.dice.percent(15))),
            _ => {}
        }
        let mut tick = |writes: &mut Vec<Write>, key, days: u64| {
            let at = self.now + days * DAY + self.dice.below(DAY);
            writes.push(Write::set(key, sync_core::entry::Value::Uint(at)));
        };
        if right != "block" && self.requests > 0 {
            if self.clocks[0] % 5 == 0 {
                tick(&mut writes, "starts", 1);
            }
            if self.clocks[1] % 3 == 0 {
                tick(&mut writes, "ends", 6);
            }
        }
        self.create(device, &writes, Vec::new(), &format!("{right} for {who:?}"))
    }

    /// The holder takes a right back, or gives it again.
    pub(super) fn take_back(&mut self, device: usize) -> Result<(), String> {
        let Some((entry, local)) = self.any_entry(device, |kind| RIGHTS.contains(&kind)) else {
            return Ok(());
        };
        let revoked = local.state().values("status").any(|status| {
            let text = status.as_text().unwrap_or_default();
            text.contains("revoked")
        });
        let status = if revoked && self.dice.percent(60) {
            r#"{"status":"active"}"#
        } else {
            r#"{"status":"revoked","reason":"no longer needed"}"#
        };
        self.write(device, entry, &[Write::set("status", status)], Vec::new())
    }

    /// The held edits that wait for the holder's word.
    fn undecided(&self, device: usize) -> Vec<(ChangeHash, HeldEdit)> {
        let held = self.devices[device].disk.held.iter();
        held.filter(|(_, held)| held.settled.is_none() && !held.yours)
            .filter(|(_, held)| held.reason != HoldReason::NotPermitted)
            .map(|(change, held)| (*change, held.clone()))
            .collect()
    }

    pub(super) fn has_to_decide(&self, device: usize) -> bool {
        !self.undecided(device).is_empty()
    }

    /// The holder takes a held edit up, or leaves it out.
    pub(super) fn decide(&mut self, device: usize) -> Result<(), String> {
        let open = self.undecided(device);
        let Some((change, held)) = self.dice.pick(&open).cloned() else {
            return Ok(());
        };
        if self.dice.percent(40) {
            let writes = [
                Write::set("kind", "review-decision"),
                Write::set("schema", sync_core::entry::Value::Uint(1)),
                Write::set("status", r#"{"status":"active"}"#),
                Write::set("item", format!("held/{change}")),
                Write::set("decision", "discard"),
                Write::set("change", change.to_string()),
            ];
            return self.create(device, &writes, Vec::new(), "decision to discard");
        }
        let Ok(inspected) = guard::inspect(&held.edit.change) else {
            return Err("the server tells of a held edit the guard refuses".to_owned());
        };
        let writes = inspected.past.writes;
        let there = self.devices[device].entry(&held.edit.entry).is_some();
        if inspected.past.deps.is_empty() {
            self.create(device, &writes, vec![change], "held entry, taken up")
        } else if there {
            self.write(device, held.edit.entry, &writes, vec![change])
        } else {
            Ok(())
        }
    }

    /// An entry of this device of a kind that `fits`.
    pub(super) fn any_entry(
        &mut self,
        device: usize,
        fits: impl Fn(&str) -> bool,
    ) -> Option<(EntryId, LocalEntry)> {
        let entries = self.devices[device].disk.entries.iter();
        let fitting: Vec<(EntryId, LocalEntry)> = entries
            .filter(|(_, local)| !local.forgotten)
            .filter(|(_, local)| local.state().kind().is_some_and(&fits))
            .map(|(entry, local)| (*entry, (**local).clone()))
            .collect();
        self.dice.pick(&fitting).cloned()
    }
}
