//! What people do.

use std::rc::Rc;

use sync_core::entry::{Value, Write};
use sync_core::policy::Role;
use sync_core::sync::SyncRequest;
use sync_core::{ChangeHash, EntryId};
use uuid::Builder;

use super::{DAY, SECOND, World};
use crate::cast::Who;
use crate::network::{Message, Parcel, Way};
use crate::oracle::RIGHTS;

/// Kinds of facts people write.
const FACTS: [&str; 6] = [
    "allergy",
    "condition",
    "medication-taken",
    "emergency-contact",
    "blood-group",
    "own-note",
];
const WORDS: [&str; 4] = ["Pénicilline", "Arachide", "Asthme", "Lisinopril"];

impl World {
    pub(super) fn somebody_acts(&mut self) -> Result<(), String> {
        // The holder and those with rights do most.
        let device = if self.dice.percent(35) {
            self.dice.below(2) as usize
        } else {
            self.any_device()
        };
        let holder = self.devices[device].profile.who == Who::Holder;
        let decides = holder && self.has_to_decide(device) && self.dice.percent(40);
        match self.dice.below(100) {
            _ if decides => self.decide(device),
            0..25 => self.add(device),
            25..55 => self.change(device),
            55..65 => self.mark(device),
            65..80 if holder => self.hide(device),
            80..86 if holder => self.give_any(device),
            86..100 if holder => self.take_back(device),
            // Now and then somebody does what is not theirs to do.
            70..73 => self.hide(device),
            73..74 => self.give_any(device),
            _ => self.change(device),
        }
    }

    fn add(&mut self, device: usize) -> Result<(), String> {
        let kind = *self.dice.pick(&FACTS).unwrap_or(&"allergy");
        let mut writes = vec![
            Write::set("kind", kind),
            Write::set("schema", Value::Uint(1)),
            Write::set("status", r#"{"status":"active"}"#),
        ];
        writes.push(self.content(kind, 0));
        if self.dice.percent(8) {
            writes.push(Write::set("of-a-newer-app", "kept"));
        }
        let role = &self.devices[device].profile.author.role;
        let (professional, holder) = match role {
            Role::Professional(_) => (true, false),
            role => (false, *role == Role::Holder),
        };
        if professional && self.dice.percent(15) {
            // Half of them short, so that they fall due while somebody walks through pages.
            let longest = if self.dice.percent(50) {
                10 * DAY
            } else {
                60 * SECOND
            };
            let until = self.now + self.dice.below(longest);
            writes.push(Write::set("hidden-from-patient-until", Value::Uint(until)));
        }
        if holder && self.dice.percent(12) {
            writes.push(Write::set("hidden-from-professionals", true));
        }
        if (holder || professional) && self.dice.percent(6) {
            writes.push(Write::set("hidden-from-representatives", true));
        }
        self.create(device, &writes, Vec::new(), kind)
    }

    /// A value for one field of an entry of this kind.
    fn content(&mut self, kind: &str, field: u64) -> Write {
        let word = self.dice.pick(&WORDS).copied().unwrap_or_default();
        let number = self.dice.below(4);
        match (kind, field) {
            ("medication-taken", 0) => Write::set(
                "regimen",
                format!(
                    r#"{{"product":{{"text":"{word}"}},"dose":"{}"}}"#,
                    number + 1
                ),
            ),
            ("emergency-contact", 0) => Write::set("name", format!("Voisine {number}")),
            ("emergency-contact", _) => Write::set(
                format!("phone/0{number}"),
                format!(r#"{{"number":"01 00 00 00 0{number}"}}"#),
            ),
            ("blood-group", _) => {
                let abo = ["a", "b", "ab", "o"][number as usize];
                Write::set(
                    "blood-group",
                    format!(r#"{{"abo":"{abo}","rhd":"positive","source":"declared"}}"#),
                )
            }
            ("allergy", 1) => {
                let how = ["low", "high", "unable-to-assess", "high"][number as usize];
                Write::set("criticality", how)
            }
            ("own-note", 1) => Write::set("text", format!("{word} {number}")),
            (_, 0) => Write::set("label", format!(r#"{{"text":"{word}"}}"#)),
            _ => Write::set("notes", format!("{word} {number}")),
        }
    }

    fn change(&mut self, device: usize) -> Result<(), String> {
        let found = self.any_entry(device, |kind| FACTS.contains(&kind));
        let Some((entry, local)) = found else {
            return Ok(());
        };
        let kind = local.state().kind().unwrap_or_default().to_owned();
        let write = match self.dice.below(6) {
            0 => {
                let status = [
                    "resolved",
                    "inactive",
                    "active",
                    "entered-in-error",
                    "wrong-patient",
                ][self.dice.below(5) as usize];
                Write::set("status", format!(r#"{{"status":"{status}"}}"#))
            }
            1 | 2 => self.content(&kind, 0),
            3 | 4 => self.content(&kind, 1),
            _ => self.content("", 2),
        };
        self.write(device, entry, &[write], Vec::new())
    }

    /// Says that an entry is another patient's, and mostly takes it back before anybody hears of it.
    fn mark(&mut self, device: usize) -> Result<(), String> {
        let found = self.any_entry(device, |kind| FACTS.contains(&kind));
        let Some((entry, _)) = found else {
            return Ok(());
        };
        let status = |status: &str| Write::set("status", format!(r#"{{"status":"{status}"}}"#));
        self.write(device, entry, &[status("wrong-patient")], Vec::new())?;
        if self.dice.percent(70) {
            self.write(device, entry, &[status("active")], Vec::new())?;
        }
        Ok(())
    }

    /// Hides an entry, or shows it again.
    fn hide(&mut self, device: usize) -> Result<(), String> {
        let found = self.any_entry(device, |kind| !RIGHTS.contains(&kind));
        let Some((entry, local)) = found else {
            return Ok(());
        };
        let key = if self.dice.percent(75) {
            "hidden-from-professionals"
        } else {
            "hidden-from-representatives"
        };
        let hidden = local.state().values(key).any(|v| *v == Value::Bool(true));
        self.write(device, entry, &[Write::set(key, !hidden)], Vec::new())
    }

    pub(super) fn create(
        &mut self,
        device: usize,
        writes: &[Write],
        cites: Vec<ChangeHash>,
        what: &str,
    ) -> Result<(), String> {
        let millis = u64::try_from(self.clock(device).0).unwrap_or(0);
        let id = Builder::from_unix_timestamp_millis(millis, &self.dice.bytes());
        let entry = EntryId(id.into_uuid());
        let name = format!("e{}", self.names.len() + 1);
        let by = self.devices[device].profile.name;
        self.say(|| format!("{by} adds {name}: {what}"));
        self.names.insert(entry, name);
        self.write(device, entry, writes, cites)
    }

    /// By a bug, a request goes out with an edit that is not durable.
    fn send_too_early(&mut self, device: usize, request: SyncRequest) {
        self.requests += 1;
        let parcel = Parcel {
            device,
            unit: self.devices[device].profile.unit,
            id: self.requests,
            way: Way::Loose,
            message: Message::Request(Rc::new(request)),
        };
        self.network.send(&mut self.dice, self.now, parcel);
    }

    pub(super) fn write(
        &mut self,
        device: usize,
        entry: EntryId,
        writes: &[Write],
        cites: Vec<ChangeHash>,
    ) -> Result<(), String> {
        let at = self.clock(device);
        let fails = self.dice.percent(2);
        let fuse = fails.then(|| self.dice.below(3));
        let made = self.devices[device].edit(entry, writes, cites, at, fuse, self.bug)?;
        if let Some(request) = self.devices[device].too_early.take() {
            self.send_too_early(device, request);
        }
        let by = self.devices[device].profile.name;
        let name = super::words::name(&entry, &self.names);
        let keys: Vec<&str> = writes.iter().map(|write| write.key.as_str()).collect();
        match made {
            Some(change) => {
                let change = crate::checks::short(&change);
                self.say(|| format!("{by} writes {name} ({}): {change}", keys.join(" ")));
            }
            None => self.say(|| format!("{by} does not get to write {name}")),
        }
        Ok(())
    }
}
