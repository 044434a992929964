use automerge::transaction::{CommitOptions, Transactable as _};
use automerge::{ActorId, Automerge, ObjType, ROOT, ReadDoc as _, ScalarValue};
use proptest::prelude::*;

use super::*;
use crate::entry::{EntryError, Value, Write};
use crate::{Bytes, DeviceTime};

mod bounds;

const ACTOR: Actor = Actor([7; 16]);
const AT: DeviceTime = DeviceTime(1_700_000_000_000);

fn creation() -> (EntryDocument, Bytes) {
    let mut document = EntryDocument::new();
    let writes = [
        Write::set("kind", "allergy"),
        Write::set("label", "Pénicilline"),
    ];
    let (_, change) = document.edit(ACTOR, &writes, AT).unwrap();
    (document, change)
}

fn follow_up(document: &EntryDocument, actor: Actor, value: &str) -> Bytes {
    let mut document = document.clone();
    let writes = [Write::set("criticality", value)];
    document.edit(actor, &writes, AT).unwrap().1
}

fn admitted(document: &EntryDocument, change: &Bytes) -> Result<EntryState, Unsafe> {
    let inspected = inspect(change)?;
    admit(document, &document.state(), &inspected).map(|(_, state, _)| state)
}

/// A change made with Automerge itself, as a hostile client could.
fn made_by_hand(work: impl FnOnce(&mut automerge::transaction::Transaction<'_>)) -> Vec<u8> {
    let mut document = Automerge::new().with_actor(ActorId::from(&ACTOR.0[..]));
    let mut transaction = document.transaction();
    transaction.put(ROOT, "kind", "allergy").unwrap();
    work(&mut transaction);
    let (hash, _) = transaction.commit_with(CommitOptions::default().with_time(0));
    let change = document.get_change_by_hash(&hash.unwrap()).unwrap();
    change.raw_bytes().to_vec()
}

fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = Digest32::of(&[&bytes[8..]]);
    bytes[4..8].copy_from_slice(&checksum.0[..4]);
    bytes
}

#[test]
fn a_creation_and_a_follow_up_pass() {
    let (document, change) = creation();
    let state = admitted(&EntryDocument::new(), &change).unwrap();
    assert_eq!(state.kind(), Some("allergy"));
    assert_eq!(state, document.state());
    let state = admitted(&document, &follow_up(&document, ACTOR, "high")).unwrap();
    assert_eq!(state.history.len(), 2);
}

#[test]
fn concurrent_values_are_both_kept() {
    let (document, _) = creation();
    let one = follow_up(&document, Actor([1; 16]), "high");
    let other = follow_up(&document, Actor([2; 16]), "low");
    let (document, state, _) =
        admit(&document, &document.state(), &inspect(&one).unwrap()).unwrap();
    let (_, state, _) = admit(&document, &state, &inspect(&other).unwrap()).unwrap();
    assert_eq!(state.claims("criticality").len(), 2);
}

#[test]
fn nothing_but_flat_scalars_passes() {
    let refused: [fn(&mut automerge::transaction::Transaction<'_>); 5] = [
        |t| drop(t.put_object(ROOT, "a", ObjType::Map)),
        |t| drop(t.put_object(ROOT, "a", ObjType::List)),
        |t| drop(t.put_object(ROOT, "a", ObjType::Text)),
        |t| drop(t.put(ROOT, "a", ScalarValue::counter(1))),
        |t| drop(t.put(ROOT, "UPPER case", "x")),
    ];
    for work in refused {
        assert_eq!(inspect(&made_by_hand(work)).err(), Some(Unsafe::NotFlat));
    }
    assert!(inspect(&made_by_hand(|t| t.put(ROOT, "a", 1.5).unwrap())).is_err());
}

#[test]
fn compressed_and_document_chunks_are_refused() {
    let (document, change) = creation();
    let mut compressed = change.0.clone();
    compressed[8] = 2;
    assert_eq!(inspect(&compressed).err(), Some(Unsafe::Chunk));
    assert_eq!(inspect(&document.save()).err(), Some(Unsafe::Chunk));
    assert_eq!(inspect(&[]).err(), Some(Unsafe::Chunk));
    assert_eq!(
        inspect(&vec![0; MAX_CHANGE + 1]).err(),
        Some(Unsafe::TooLarge)
    );
    let mut trailing = change.0.clone();
    trailing.push(0);
    assert_eq!(inspect(&trailing).err(), Some(Unsafe::Chunk));
}

#[test]
fn an_actor_cannot_say_two_things_under_one_number() {
    let (document, _) = creation();
    let one = follow_up(&document, ACTOR, "high");
    let other = follow_up(&document, ACTOR, "low");
    let (document, ..) = admit(&document, &document.state(), &inspect(&one).unwrap()).unwrap();
    assert_eq!(admitted(&document, &other), Err(Unsafe::Equivocation));
}

#[test]
fn an_entry_has_one_beginning_and_one_kind() {
    let (document, _) = creation();
    let mut second = EntryDocument::new();
    let writes = [Write::set("kind", "own-note")];
    let (_, change) = second.edit(Actor([9; 16]), &writes, AT).unwrap();
    assert_eq!(admitted(&document, &change), Err(Unsafe::Kind));
    let mut changed = document.clone();
    let (_, change) = changed.edit(ACTOR, &writes, AT).unwrap();
    assert_eq!(inspect(&change).err(), Some(Unsafe::Kind));
}

proptest! {
    /// Whatever is done to the bytes of a valid change, with the checksum repaired: it is refused,
    /// or what it makes can be saved, loaded and read again.
    #[test]
    fn mutants_never_poison(
        flips in prop::collection::vec((9_usize..400, any::<u8>()), 1..6),
        cut in prop::option::of(9_usize..200),
    ) {
        let (document, _) = creation();
        let mut bytes = follow_up(&document, Actor([3; 16]), "high").0;
        for (at, value) in flips {
            let at = 9 + (at - 9) % (bytes.len() - 9);
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.min(bytes.len()));
        }
        let bytes = with_checksum(bytes);
        if let Ok(inspected) = inspect(&bytes)
            && let Ok((_, state, saved)) = admit(&document, &document.state(), &inspected)
        {
            let again = EntryDocument::load(&saved).unwrap();
            prop_assert_eq!(again.state(), state);
        }
    }
}

/// A change of an entry by one of several people: whether they had seen all before it, what they set, and
/// which of the changes that can be taken in by then is next.
fn acts() -> impl Strategy<Value = Vec<(usize, bool, usize, u8, usize)>> {
    prop::collection::vec(
        (
            0..3_usize,
            any::<bool>(),
            0..3_usize,
            any::<u8>(),
            0..64_usize,
        ),
        1..24,
    )
}

proptest! {
    /// In whatever order the changes of several people come, what an entry is said to say after each is
    /// what its document says.
    #[test]
    fn what_is_said_after_a_change_is_what_the_document_says(acts in acts()) {
        let (first, created) = creation();
        let mut people = [(); 3].map(|()| first.clone());
        let mut changes: Vec<(ChangeHash, Bytes)> = Vec::new();
        for (person, meets, key, value, _) in &acts {
            let mut document = people[*person].clone();
            if *meets {
                for (hash, change) in &changes {
                    if !document.has(hash) {
                        let inspected = inspect(change).unwrap();
                        document.apply(inspected.into_change()).unwrap();
                    }
                }
            }
            let key = ["criticality", "notes", "label"][*key];
            let write = Write::set(key, format!("{value}"));
            let actor = Actor([1 + u8::try_from(*person).unwrap(); 16]);
            match document.edit(actor, &[write], AT) {
                Ok(change) => changes.push(change),
                Err(error) => prop_assert_eq!(error, EntryError::Nothing),
            }
            people[*person] = document;
        }
        let inspected = inspect(&created).unwrap();
        let (mut document, mut state, _) =
            admit(&EntryDocument::new(), &EntryState::default(), &inspected).unwrap();
        let mut waiting: Vec<Inspected> = changes.iter().map(|c| inspect(&c.1).unwrap()).collect();
        for (.., pick) in acts.iter().take(changes.len()) {
            let ready = |c: &Inspected| c.past.deps.iter().all(|dep| document.has(dep));
            let ready: Vec<usize> = (0..waiting.len()).filter(|n| ready(&waiting[*n])).collect();
            let next = waiting.remove(ready[pick % ready.len()]);
            let (trial, _) = attempt(&document, &state, &next);
            let adopted = adopt(&document, &state, &next, &trial).unwrap();
            let (with, after, _) = admit(&document, &state, &next).unwrap();
            prop_assert_eq!(&after, &with.state());
            prop_assert_eq!(&adopted.1, &after);
            (document, state) = (with, after);
        }
        prop_assert!(waiting.is_empty());
    }
}

/// Whoever tried a change may say anything of it: only the entry with this change, and no other, is
/// taken over.
#[test]
fn what_is_taken_over_holds_the_change_and_no_other() {
    let (document, _) = creation();
    let change = follow_up(&document, Actor([1; 16]), "high");
    let inspected = inspect(&change).unwrap();
    let (honest, after) = attempt(&document, &document.state(), &inspected);
    let (with, _) = after.unwrap();
    assert!(adopt(&document, &document.state(), &inspected, &honest).is_ok());
    let beside = inspect(&follow_up(&document, Actor([2; 16]), "low")).unwrap();
    let after_it = inspect(&follow_up(&with, Actor([2; 16]), "low")).unwrap();
    let (smuggled, _, _) = admit(&with, &with.state(), &beside).unwrap();
    let (followed, _, _) = admit(&with, &with.state(), &after_it).unwrap();
    let (instead, _, _) = admit(&document, &document.state(), &beside).unwrap();
    let other = made_apart();
    for lie in [smuggled, followed, instead, other, document.clone()] {
        let trial = Trial {
            onto: honest.onto.clone(),
            outcome: Ok(lie.save().into()),
        };
        let taken = adopt(&document, &document.state(), &inspected, &trial).map(drop);
        assert_eq!(taken, Err(Unsafe::Unfit));
    }
}

/// Another entry.
fn made_apart() -> EntryDocument {
    let mut document = EntryDocument::new();
    let writes = [Write::set("kind", "note"), Write::set("text", "x")];
    document.edit(Actor([9; 16]), &writes, AT).unwrap();
    document
}
