//! The stage: people, their devices, their passkeys.

use std::path::Path;

use carnet_mobile::face::Profile;
use std::sync::Arc;
use sync_core::kind::RightDraft;
use sync_core::policy::{DelegationType, Profession, RightKind, Subject};
use sync_core::{EntryId, PersonId, RecordId};

use super::screen::Screen;
use crate::support::{
    Copy, Entered, Identity, Phone, Server, SupportError, add_caregiver, add_professional,
    open_record,
};

/// One person with one device.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    /// Their name.
    pub name: &'static str,
    /// Their device, in words.
    pub device: &'static str,
    /// The folder of the device, within that of the demo.
    pub folder: &'static str,
    /// The device.
    pub phone: Phone,
    /// Their copy of the record.
    pub copy: Copy,
    /// Who they are to the rules.
    pub subject: Subject,
}

/// Everybody.
#[derive(Debug)]
pub(super) struct Stage<'s> {
    /// The server.
    pub server: &'s Server,
    /// The record.
    pub record: RecordId,
    /// The patient, on the phone she has had.
    pub old: Actor,
    /// The patient, on her new phone.
    pub new: Actor,
    /// Her daughter.
    pub camille: Actor,
    /// Her nephew.
    pub luc: Actor,
    /// Her *médecin traitant*, on the clinic's tablet.
    pub doctor: Actor,
    /// A nurse, on the same tablet.
    pub nurse: Actor,
    /// A pharmacist, on the pharmacy's computer.
    pub pharmacist: Actor,
    /// The delegation to her nephew.
    pub delegation: EntryId,
}

impl Stage<'_> {
    /// All copies of the record.
    pub fn actors(&self) -> [&Actor; 7] {
        [
            &self.old,
            &self.new,
            &self.camille,
            &self.luc,
            &self.doctor,
            &self.nurse,
            &self.pharmacist,
        ]
    }
}

/// Opens the record, enters people, makes passkeys, and gives rights.
pub(super) fn set<'s>(
    screen: &Screen,
    server: &'s Server,
    folder: &Path,
) -> Result<Stage<'s>, SupportError> {
    screen.chapter("1  The stage");
    screen.line(
        "server",
        &format!("{} (SQLite, sealed; a process of its own)", server.url()),
    );
    let holder = open_record(
        server,
        &Identity {
            family_name: "LEFEVRE",
            given_names: "JEANNE MARIE",
            sex: "F",
            order: 77,
        },
    )?;
    let camille = add_caregiver(server, "Martin", "Camille")?;
    let luc = add_caregiver(server, "Martin", "Luc")?;
    let doctor = add_professional(server, "Bernard", "Sophie", Profession::Physician, 112_233)?;
    let nurse = add_professional(server, "Haddad", "Karim", Profession::Nurse, 445_566)?;
    let pharmacist = add_professional(server, "Diallo", "Awa", Profession::Pharmacist, 778_899)?;

    let mine = Entered {
        person: holder.person,
        code: holder.code,
    };
    let desk = Desk {
        screen,
        server,
        folder,
        record: holder.record,
    };
    let (old_phone, old_profile) = desk.enrol("Jeanne Martin", "jeanne-old", "old phone", &mine)?;
    let old_copy = old_phone.copy(&old_profile, holder.record)?;
    let give = |kind, person| old_copy.add(RightDraft::new(kind, person));
    give(RightKind::TreatingPhysician, doctor.person)?;
    give(RightKind::Grant, nurse.person)?;
    give(RightKind::Grant, pharmacist.person)?;
    let delegate = |person| {
        old_copy.add(RightDraft {
            delegation_type: Some(DelegationType::Caregiver),
            ..RightDraft::new(RightKind::Delegation, person)
        })
    };
    delegate(camille.person)?;
    let delegation = delegate(luc.person)?;
    old_copy.sync()?;

    let again = Entered {
        person: holder.person,
        code: old_profile.invite()?.code,
    };
    let new = desk.actor("Jeanne Martin", "jeanne", "new phone", &again, None)?;
    let camille = desk.actor("Camille Martin", "camille", "her phone", &camille, None)?;
    let luc = desk.actor("Luc Martin", "luc", "his phone", &luc, None)?;
    let tablet = Phone::open(&folder.join("tablet"))?;
    let doctor = desk.on_tablet(&tablet, "Dr Sophie Bernard", &doctor, Profession::Physician)?;
    let nurse = desk.on_tablet(&tablet, "Karim Haddad", &nurse, Profession::Nurse)?;
    let pharmacist = desk.actor(
        "Awa Diallo",
        "pharmacy",
        "pharmacy's computer",
        &pharmacist,
        Some(Profession::Pharmacist),
    )?;
    screen.say("Each signed in by passkey; the two of the clinic share one tablet.");
    screen
        .say("Jeanne named Dr Bernard médecin traitant, let Karim Haddad, nurse, and Awa Diallo,");
    screen.say("pharmacist, in, and delegated to her daughter Camille and her nephew Luc.");
    Ok(Stage {
        server,
        record: holder.record,
        old: Actor {
            name: "Jeanne Martin",
            device: "old phone",
            folder: "jeanne-old",
            phone: old_phone,
            copy: old_copy,
            subject: subject(holder.person, None),
        },
        new,
        camille,
        luc,
        doctor,
        nurse,
        pharmacist,
        delegation,
    })
}

fn subject(person: PersonId, profession: Option<Profession>) -> Subject {
    Subject { person, profession }
}

/// Where people get their passkeys.
struct Desk<'d> {
    screen: &'d Screen,
    server: &'d Server,
    folder: &'d Path,
    record: RecordId,
}

impl Desk<'_> {
    fn enrol(
        &self,
        name: &str,
        folder: &str,
        device: &str,
        who: &Entered,
    ) -> Result<(Phone, Arc<Profile>), SupportError> {
        let phone = Phone::open(&self.folder.join(folder))?;
        let profile = phone.enrol(self.server.url(), &who.code)?;
        self.screen.line(name, device);
        Ok((phone, profile))
    }

    fn actor(
        &self,
        name: &'static str,
        folder: &'static str,
        device: &'static str,
        who: &Entered,
        profession: Option<Profession>,
    ) -> Result<Actor, SupportError> {
        let (phone, profile) = self.enrol(name, folder, device, who)?;
        let copy = phone.copy(&profile, self.record)?;
        Ok(Actor {
            name,
            device,
            folder,
            phone,
            copy,
            subject: subject(who.person, profession),
        })
    }

    fn on_tablet(
        &self,
        tablet: &Phone,
        name: &'static str,
        who: &Entered,
        profession: Profession,
    ) -> Result<Actor, SupportError> {
        let device = "clinic's tablet";
        let profile = tablet.enrol(self.server.url(), &who.code)?;
        self.screen.line(name, device);
        Ok(Actor {
            name,
            device,
            folder: "tablet",
            copy: tablet.copy(&profile, self.record)?,
            phone: tablet.clone(),
            subject: subject(who.person, Some(profession)),
        })
    }
}
