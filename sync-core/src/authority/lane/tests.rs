mod after;

use ed25519_dalek::SigningKey;
use uuid::Uuid;

use super::*;
use crate::change::{Edit, SignedOrigin};
use crate::checkpoint::CheckpointDigest;
use crate::entry::Write;
use crate::kind::{AllergyDraft, Label, RightDraft, RightPatch, StatusCode};
use crate::policy::{Profession, RightKind};
use crate::sign::PublicKey;
use crate::{DeviceId, DeviceTime, Incarnation, LogIncarnation, PersonId};

const RECORD: RecordId = RecordId(Uuid::from_u128(1));
const HOLDER: PersonId = PersonId(Uuid::from_u128(10));
const CAREGIVER: PersonId = PersonId(Uuid::from_u128(11));
const DOCTOR: PersonId = PersonId(Uuid::from_u128(12));
const LEASE: u64 = 14;

/// A day after the records began, and so on.
fn day(days: u64) -> Tick {
    Tick(1_790_000_000_000_000).plus_days(days)
}

fn seen(tick: Tick) -> Seen {
    Seen {
        log: LogIncarnation([0; 16]),
        tick,
        digest: CheckpointDigest([9; 16]),
    }
}

/// Somebody with a device, who writes entries.
struct Party {
    subject: Subject,
    role: Role,
    key: SigningKey,
}

impl Party {
    fn new(person: PersonId, role: Role) -> Self {
        let profession = match role {
            Role::Professional(profession) => Some(profession),
            _ => None,
        };
        Party {
            subject: Subject { person, profession },
            role,
            key: SigningKey::from_bytes(&[person.as_bytes()[15]; 32]),
        }
    }

    fn submitter(&self) -> Submitter {
        let key = PublicKey::of(&self.key);
        Submitter {
            subject: self.subject,
            device: DeviceId::of(&key),
            key,
            registration: Registration::Valid,
        }
    }

    fn actor(&self, entry: &EntryId) -> Actor {
        Actor::of(&PublicKey::of(&self.key), &Incarnation([5; 16]), entry)
    }

    /// Writes on top of a document, having seen a checkpoint.
    fn edit(
        &self,
        entry: EntryId,
        document: &mut EntryDocument,
        writes: &[Write],
        seen: Option<Seen>,
    ) -> Edit {
        let at = DeviceTime(0);
        let (hash, change) = document.edit(self.actor(&entry), writes, at).unwrap();
        let delegate = matches!(self.role, Role::Caregiver);
        let origin = Origin {
            author: self.subject.person,
            role: self.role.clone(),
            on_behalf_of: delegate.then_some(HOLDER),
            device: self.submitter().device,
            incarnation: Incarnation([5; 16]),
            seen,
            at,
            cites: Vec::new(),
        };
        let origin = SignedOrigin::new(&self.key, &RECORD, &entry, &hash, &origin);
        Edit {
            entry,
            change,
            origin,
        }
    }
}

/// The keeper of one record, with a caregiver delegated and a doctor granted on the first day.
struct Keeper {
    ledger: RightsLedger,
    matrix: Matrix,
    former: BTreeMap<LogIncarnation, Tick>,
    entries: BTreeMap<EntryId, Kept>,
}

const DELEGATION: EntryId = EntryId(Uuid::from_u128(100));
const GRANT: EntryId = EntryId(Uuid::from_u128(101));
const ALLERGY: EntryId = EntryId(Uuid::from_u128(102));

impl Keeper {
    fn new() -> Self {
        let mut keeper = Keeper {
            ledger: RightsLedger::new(HOLDER, Vec::new()),
            matrix: Matrix::default(),
            former: BTreeMap::new(),
            entries: BTreeMap::new(),
        };
        let holder = holder();
        for (entry, kind, person, tick) in [
            (DELEGATION, RightKind::Delegation, CAREGIVER, day(0)),
            (GRANT, RightKind::Grant, DOCTOR, Tick(day(0).0 + 1)),
        ] {
            let writes = RightDraft::new(kind, person).writes().unwrap();
            let edit = holder.edit(entry, &mut EntryDocument::new(), &writes, None);
            assert!(accepted(&keeper.submit(&holder, &edit, tick)));
        }
        keeper
    }

    fn submit(&mut self, party: &Party, edit: &Edit, tick: Tick) -> Judged {
        self.submit_as(&party.submitter(), edit, tick)
    }

    fn submit_as(&mut self, submitter: &Submitter, edit: &Edit, tick: Tick) -> Judged {
        self.judge(submitter, edit, |lane, edit| lane.submit(edit, tick))
    }

    /// An edit that follows nothing held any more is judged anew.
    fn free(&mut self, party: &Party, edit: &Edit, tick: Tick) -> Judged {
        let submitter = party.submitter();
        self.judge(&submitter, edit, |lane, edit| lane.submit_freed(edit, tick))
    }

    fn judge(
        &mut self,
        submitter: &Submitter,
        edit: &Edit,
        by: impl FnOnce(&mut Lane<'_>, &VerifiedEdit) -> Judged,
    ) -> Judged {
        let former = Some(Former {
            log: LogIncarnation([0; 16]),
            lives: &self.former,
            days: LEASE,
        });
        let proven: Vec<Seen> = (0..60).map(|days| seen(day(days))).collect();
        let mut lane = Lane {
            record: RECORD,
            ledger: &mut self.ledger,
            matrix: &self.matrix,
            submitter,
            proven: &proven,
            handed_back: former.filter(|former| !former.lives.is_empty()),
            entries: &mut self.entries,
            lease_days: LEASE,
            tables: Tables::CURRENT,
            tried: None,
        };
        match VerifiedEdit::new(&RECORD, &submitter.key, edit.clone()) {
            Ok(edit) => by(&mut lane, &edit),
            Err(unverified) => unverified.into(),
        }
    }

    fn revoke(&mut self, right: EntryId, kind: RightKind, tick: Tick) {
        let mut document = self.entries[&right].document.clone();
        let mut patch = RightPatch::new(kind);
        patch.common.status = Some(StatusCode::Revoked.into());
        let writes = patch.writes().unwrap();
        let edit = holder().edit(right, &mut document, &writes, Some(seen(day(0))));
        assert!(accepted(&self.submit(&holder(), &edit, tick)));
    }

    fn document(&self, entry: EntryId) -> EntryDocument {
        self.entries[&entry].document.clone()
    }
}

fn holder() -> Party {
    Party::new(HOLDER, Role::Holder)
}

fn caregiver() -> Party {
    Party::new(CAREGIVER, Role::Caregiver)
}

fn doctor() -> Party {
    Party::new(DOCTOR, Role::Professional(Profession::Physician))
}

fn accepted(judged: &Judged) -> bool {
    matches!(judged, Judged::Accepted(_))
}

fn held(judged: &Judged) -> Option<HoldReason> {
    match judged {
        Judged::Held { held, .. } => Some(held.reason),
        _ => None,
    }
}

fn refused(judged: &Judged) -> Option<Refusal> {
    match judged {
        Judged::Refused(_, refusal) => Some(*refusal),
        _ => None,
    }
}

fn allergy() -> Vec<Write> {
    vec![
        Write::set("kind", "allergy"),
        Write::set("schema", crate::entry::Value::Uint(1)),
        Write::set("label", r#"{"text":"Pénicilline"}"#),
    ]
}

#[test]
fn a_caregiver_adds_while_delegated() {
    let mut keeper = Keeper::new();
    let mut document = EntryDocument::new();
    let edit = caregiver().edit(ALLERGY, &mut document, &allergy(), Some(seen(day(1))));
    let judged = keeper.submit(&caregiver(), &edit, day(2));
    assert!(accepted(&judged), "{judged:?}");
    let again = keeper.submit(&caregiver(), &edit, day(3));
    assert!(matches!(again, Judged::Duplicate(_, tick) if tick == day(2)));
}

/// Everybody who may read the entry is sent it: it must not be of any length, however well signed.
#[test]
fn an_origin_of_any_length_is_not_taken() {
    let key = holder().key;
    let edit = holder().edit(ALLERGY, &mut EntryDocument::new(), &allergy(), None);
    let hash = crate::guard::inspect(&edit.change).unwrap().hash();
    let citing = |count: usize| {
        let mut origin = edit.origin.read().unwrap();
        origin.cites = vec![ChangeHash([7; 32]); count];
        let origin = SignedOrigin::new(&key, &RECORD, &ALLERGY, &hash, &origin);
        let edit = Edit {
            origin,
            ..edit.clone()
        };
        VerifiedEdit::new(&RECORD, &PublicKey::of(&key), edit)
    };
    assert!(citing(50).is_ok());
    assert_eq!(citing(70).unwrap_err().why, Refusal::Malformed);
}

#[test]
fn an_edit_verified_for_another_device_or_record_is_not_taken() {
    let mut keeper = Keeper::new();
    let edit = holder().edit(ALLERGY, &mut EntryDocument::new(), &allergy(), None);
    let key = PublicKey::of(&holder().key);
    let elsewhere = RecordId(Uuid::from_u128(2));
    let unverified = VerifiedEdit::new(&elsewhere, &key, edit.clone()).unwrap_err();
    assert_eq!(unverified.why, Refusal::NotAuthentic);
    let verified = VerifiedEdit::new(&RECORD, &key, edit).unwrap();
    for (record, submitter, taken) in [
        (RECORD, caregiver().submitter(), false),
        (elsewhere, holder().submitter(), false),
        (RECORD, holder().submitter(), true),
    ] {
        let mut lane = Lane {
            record,
            ledger: &mut keeper.ledger,
            matrix: &keeper.matrix,
            submitter: &submitter,
            proven: &[],
            handed_back: None,
            entries: &mut keeper.entries,
            lease_days: LEASE,
            tables: Tables::CURRENT,
            tried: None,
        };
        let judged = lane.submit(&verified, day(1));
        assert_eq!(accepted(&judged), taken, "{judged:?}");
        let forged = (!taken).then_some(Refusal::NotAuthentic);
        assert_eq!(refused(&judged), forged);
    }
}

#[test]
fn an_edit_in_good_faith_waits_for_the_holder_and_one_in_none_does_not() {
    for (revoked, seen_on, arrives, reason) in [
        (3, 1, 5, HoldReason::NoLongerPermitted),
        (3, 4, 5, HoldReason::NotPermitted),
        (3, 1, 1 + LEASE + 1, HoldReason::NotPermitted),
    ] {
        let mut keeper = Keeper::new();
        keeper.revoke(DELEGATION, RightKind::Delegation, day(revoked));
        let seen = Some(seen(day(seen_on)));
        let edit = caregiver().edit(ALLERGY, &mut EntryDocument::new(), &allergy(), seen);
        let judged = keeper.submit(&caregiver(), &edit, day(arrives));
        assert_eq!(held(&judged), Some(reason));
    }
}

#[test]
fn what_follows_a_held_edit_is_held_with_it_and_a_held_edit_stays_held() {
    let mut keeper = Keeper::new();
    keeper.revoke(DELEGATION, RightKind::Delegation, day(3));
    let mut document = EntryDocument::new();
    let first = caregiver().edit(ALLERGY, &mut document, &allergy(), Some(seen(day(1))));
    let writes = [Write::set("criticality", "high")];
    let second = caregiver().edit(ALLERGY, &mut document, &writes, Some(seen(day(1))));
    let reason = Some(HoldReason::NoLongerPermitted);
    assert_eq!(held(&keeper.submit(&caregiver(), &first, day(4))), reason);
    let follows = keeper.submit(&caregiver(), &second, day(5));
    assert_eq!(held(&follows), Some(HoldReason::FollowsHeld));
    let again = keeper.submit(&caregiver(), &first, day(6));
    assert!(matches!(again, Judged::Held { again: true, .. }));
}

#[test]
fn nobody_writes_rights_for_the_holder() {
    let mut keeper = Keeper::new();
    let writes = RightDraft::new(RightKind::Grant, CAREGIVER)
        .writes()
        .unwrap();
    let entry = EntryId(Uuid::from_u128(200));
    let seen = Some(seen(day(1)));
    for party in [
        caregiver(),
        Party::new(DOCTOR, Role::Professional(Profession::Physician)),
        Party::new(CAREGIVER, Role::Holder),
        Party::new(CAREGIVER, Role::System),
    ] {
        let edit = party.edit(entry, &mut EntryDocument::new(), &writes, seen);
        let judged = keeper.submit(&party, &edit, day(2));
        assert!(!accepted(&judged), "{judged:?}");
        keeper.entries.remove(&entry);
    }
}

#[test]
fn a_signature_is_its_devices_for_this_entry_only() {
    let mut keeper = Keeper::new();
    let edit = holder().edit(ALLERGY, &mut EntryDocument::new(), &allergy(), None);
    let stolen = keeper.submit(&caregiver(), &edit, day(2));
    assert_eq!(refused(&stolen), Some(Refusal::NotAuthentic));
    let moved = Edit {
        entry: EntryId(Uuid::from_u128(201)),
        ..edit.clone()
    };
    let moved = keeper.submit(&holder(), &moved, day(2));
    assert_eq!(refused(&moved), Some(Refusal::NotAuthentic));
    assert!(accepted(&keeper.submit(&holder(), &edit, day(2))));
}

#[test]
fn a_checkpoint_must_have_been_given_to_this_device() {
    let mut keeper = Keeper::new();
    let made_up = seen(day(1_000));
    let edit = holder().edit(
        ALLERGY,
        &mut EntryDocument::new(),
        &allergy(),
        Some(made_up),
    );
    let judged = keeper.submit(&holder(), &edit, day(2));
    assert_eq!(refused(&judged), Some(Refusal::UnknownCheckpoint));
}

#[test]
fn one_actor_and_number_is_one_change_even_among_the_held() {
    let mut keeper = Keeper::new();
    let edit = holder().edit(ALLERGY, &mut EntryDocument::new(), &allergy(), None);
    assert!(accepted(&keeper.submit(&holder(), &edit, day(1))));
    let (one, other) = (keeper.document(ALLERGY), keeper.document(ALLERGY));
    let edits = [(one, "high"), (other, "low")].map(|(mut document, value)| {
        let writes = [Write::set("criticality", value)];
        holder().edit(ALLERGY, &mut document, &writes, None)
    });
    assert!(accepted(&keeper.submit(&holder(), &edits[0], day(2))));
    let judged = keeper.submit(&holder(), &edits[1], day(3));
    assert_eq!(refused(&judged), Some(Refusal::Equivocation));

    keeper.revoke(DELEGATION, RightKind::Delegation, day(4));
    let (one, other) = (keeper.document(ALLERGY), keeper.document(ALLERGY));
    let edits = [(one, "high"), (other, "low")].map(|(mut document, value)| {
        let writes = [Write::set("notes", value)];
        caregiver().edit(ALLERGY, &mut document, &writes, Some(seen(day(2))))
    });
    let first = keeper.submit(&caregiver(), &edits[0], day(5));
    assert_eq!(held(&first), Some(HoldReason::NoLongerPermitted));
    let second = keeper.submit(&caregiver(), &edits[1], day(6));
    assert_eq!(refused(&second), Some(Refusal::Equivocation));
}

#[test]
fn an_edit_waits_for_what_it_follows() {
    let mut keeper = Keeper::new();
    let mut document = EntryDocument::new();
    let first = holder().edit(ALLERGY, &mut document, &allergy(), None);
    let writes = [Write::set("criticality", "high")];
    let second = holder().edit(ALLERGY, &mut document, &writes, None);
    let early = keeper.submit(&holder(), &second, day(1));
    assert_eq!(refused(&early), Some(Refusal::Incomplete));
    assert!(accepted(&keeper.submit(&holder(), &first, day(2))));
    assert!(accepted(&keeper.submit(&holder(), &second, day(3))));
}

#[test]
fn an_ill_formed_entry_is_refused_and_leaves_no_trace() {
    let mut keeper = Keeper::new();
    let writes = [
        Write::set("kind", "allergy"),
        Write::set("label", "not JSON"),
    ];
    let edit = holder().edit(ALLERGY, &mut EntryDocument::new(), &writes, None);
    let judged = keeper.submit(&holder(), &edit, day(1));
    assert_eq!(refused(&judged), Some(Refusal::Invalid));
    assert!(keeper.entries[&ALLERGY].provenance.is_empty());
}

/// How full an entry is, is told to those who see it: to the others it would tell how much is written
/// in what is hidden from them.
#[test]
fn an_entry_that_is_full_is_so_to_those_only_who_see_it() {
    let mut keeper = Keeper::new();
    let mut document = EntryDocument::new();
    let edit = holder().edit(ALLERGY, &mut document, &allergy(), None);
    assert!(accepted(&keeper.submit(&holder(), &edit, day(1))));
    let room = keeper.entries[&ALLERGY].room;
    assert_eq!(room, MAX_ENTRY - edit.change.len());
    let hide = [Write::set("hidden-from-representatives", true)];
    let edit = holder().edit(ALLERGY, &mut document, &hide, None);
    assert!(accepted(&keeper.submit(&holder(), &edit, day(1))));
    let writes = [Write::set("criticality", "high")];
    let last = caregiver().edit(ALLERGY, &mut document.clone(), &writes, Some(seen(day(2))));
    let size = last.change.len();
    for (party, room, wanted) in [
        (caregiver(), size, Refusal::Incomplete),
        (caregiver(), size - 1, Refusal::Incomplete),
        (doctor(), 0, Refusal::EntryFull),
    ] {
        keeper.entries.get_mut(&ALLERGY).unwrap().room = room;
        let edit = party.edit(ALLERGY, &mut document.clone(), &writes, Some(seen(day(2))));
        assert_eq!(refused(&keeper.submit(&party, &edit, day(3))), Some(wanted));
    }
    let edit = holder().edit(ALLERGY, &mut document, &writes, None);
    keeper.entries.get_mut(&ALLERGY).unwrap().room = edit.change.len();
    assert!(accepted(&keeper.submit(&holder(), &edit, day(3))));
    assert_eq!(keeper.entries[&ALLERGY].room, 0);
}

#[test]
fn a_hidden_entry_answers_like_one_that_is_not_there() {
    let mut keeper = Keeper::new();
    let mut document = EntryDocument::new();
    let mut writes = allergy();
    writes.push(Write::set("hidden-from-professionals", true));
    let edit = holder().edit(ALLERGY, &mut document, &writes, None);
    assert!(accepted(&keeper.submit(&holder(), &edit, day(1))));
    let writes = [Write::set("criticality", "high")];
    let guess = caregiver().edit(ALLERGY, &mut document.clone(), &writes, Some(seen(day(2))));
    let hidden = keeper.submit(&caregiver(), &guess, day(3));
    let absent = EntryId(Uuid::from_u128(300));
    let guess = caregiver().edit(absent, &mut document, &writes, Some(seen(day(2))));
    let unknown = keeper.submit(&caregiver(), &guess, day(3));
    assert_eq!(refused(&hidden), Some(Refusal::Incomplete));
    assert_eq!(refused(&unknown), Some(Refusal::Incomplete));
}

#[test]
fn nothing_is_kept_from_the_patient_for_good() {
    let mut keeper = Keeper::new();
    let doctor = Party::new(DOCTOR, Role::Professional(Profession::Physician));
    let most = kind::common::MOST_DELAY_DAYS;
    let mut document = EntryDocument::new();
    let until = |tick: Tick| {
        Write::set(
            "hidden-from-patient-until",
            crate::entry::Value::Uint(tick.0),
        )
    };
    for (tick, taken) in [(day(2 + most), true), (Tick(day(3 + most).0), false)] {
        let mut writes = allergy();
        writes.push(until(tick));
        let entry = EntryId(Uuid::from_u128(u128::from(tick.0)));
        let edit = doctor.edit(
            entry,
            &mut EntryDocument::new(),
            &writes,
            Some(seen(day(1))),
        );
        assert_eq!(accepted(&keeper.submit(&doctor, &edit, day(2))), taken);
    }
    // Nor by asking for more each time.
    let edit = doctor.edit(ALLERGY, &mut document, &allergy(), Some(seen(day(1))));
    assert!(accepted(&keeper.submit(&doctor, &edit, day(2))));
    let edit = doctor.edit(
        ALLERGY,
        &mut document,
        &[until(day(50 + most))],
        Some(seen(day(40))),
    );
    let judged = keeper.submit(&doctor, &edit, day(50));
    assert_eq!(refused(&judged), Some(Refusal::Invalid));
}

/// Of a life that the log no longer has, nobody can prove what they were given.
#[test]
fn checkpoints_of_a_lost_life_need_no_proof() {
    let lost = |tick| Seen {
        log: LogIncarnation([9; 16]),
        ..seen(tick)
    };
    let writes = AllergyDraft {
        substance: Label::text("lactose"),
        ..AllergyDraft::default()
    };
    let writes = writes.writes().unwrap();
    let take = |ended: Option<Tick>, seen| {
        let mut keeper = Keeper::new();
        let life = ended.map(|ended| (LogIncarnation([9; 16]), ended));
        keeper.former.extend(life);
        let edit = holder().edit(ALLERGY, &mut EntryDocument::new(), &writes, Some(seen));
        accepted(&keeper.submit(&holder(), &edit, day(20)))
    };
    assert!(!take(None, lost(day(3))));
    assert!(take(Some(day(10)), lost(day(3))));
    // Nobody saw there what came later, nor in this life what they cannot prove.
    assert!(!take(Some(day(10)), lost(day(11))));
    let unproven = Seen {
        digest: CheckpointDigest([77; 16]),
        ..seen(day(3))
    };
    assert!(!take(Some(day(10)), unproven));
}

/// A right that is full can still be taken back, and then nothing brings it to life again.
#[test]
fn a_right_takes_so_many_bytes_and_can_always_be_taken_back() {
    let mut keeper = Keeper::new();
    let holder = holder();
    let write = |keeper: &mut Keeper, writes: &[Write], tick| {
        let edit = holder.edit(DELEGATION, &mut keeper.document(DELEGATION), writes, None);
        let judged = keeper.submit(&holder, &edit, tick);
        assert!(accepted(&judged) || refused(&judged).is_some());
        refused(&judged)
    };
    let note = |text: &str| [Write::set("notes", text)];
    let status = |code: &str| [Write::set("status", format!(r#"{{"status":"{code}"}}"#))];
    keeper.entries.get_mut(&DELEGATION).unwrap().room = MAX_ENTRY - MAX_RIGHT + 300;
    assert_eq!(write(&mut keeper, &note("fits"), day(1)), None);
    let full = Some(Refusal::EntryFull);
    assert_eq!(write(&mut keeper, &note(&"x".repeat(400)), day(2)), full);
    assert_eq!(write(&mut keeper, &status("revoked"), day(3)), None);
    assert!(keeper.ledger.is_over(&DELEGATION));
    keeper.entries.get_mut(&DELEGATION).unwrap().room = MAX_ENTRY - MAX_RIGHT;
    assert_eq!(write(&mut keeper, &status("active"), day(4)), full);
    assert_eq!(write(&mut keeper, &note("over, and bounded"), day(5)), None);
    keeper.entries.get_mut(&DELEGATION).unwrap().room = MAX_ENTRY - MAX_RIGHT - MAX_RIGHT_ENDING;
    assert_eq!(write(&mut keeper, &note("over, and full"), day(6)), full);
    assert!(keeper.ledger.is_over(&DELEGATION));
}
