use proptest::prelude::*;

use super::*;
use crate::Bytes;
use uuid::Uuid;

const RECORD: RecordId = RecordId(Uuid::from_u128(1));
const LOG: LogIncarnation = LogIncarnation([2; 16]);

fn key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

/// A change of a frame: entry, change, tick and origin.
type Leaf = (EntryId, ChangeHash, Tick, Bytes);

fn leaf_of(number: u8) -> Leaf {
    let entry = EntryId(Uuid::from_u128(u128::from(number) / 3));
    let origin = Bytes(vec![number; usize::from(number % 5)]);
    (
        entry,
        ChangeHash([number; 32]),
        Tick(u64::from(number)),
        origin,
    )
}

fn attested(size: u8) -> (Vec<Leaf>, Attestation) {
    let all: Vec<Leaf> = (0..size).map(leaf_of).collect();
    let hash = |(entry, change, tick, origin): &Leaf| leaf(entry, change, *tick, origin);
    let leaves: Vec<Digest32> = all.iter().map(hash).collect();
    let signature = sign(&key(), &RECORD, LOG, &leaves);
    let keys = [PublicKey::of(&key())];
    let attestation = Attestation::new(&RECORD, LOG, leaves, (signature, &keys));
    (all, attestation.expect("signed by this key"))
}

fn proves(proof: &Proof, (entry, change, _, origin): &Leaf) -> bool {
    let keys = [PublicKey::of(&key())];
    proof.proves(&RECORD, (entry, change), origin, &keys)
}

/// The root as RFC 9162, section 2.1.1, defines it.
fn root_of_rfc_9162(leaves: &[Digest32]) -> Digest32 {
    if let [leaf] = leaves {
        return *leaf;
    }
    let middle = 1 << (leaves.len() - 1).ilog2();
    let (left, right) = leaves.split_at(middle);
    node(&root_of_rfc_9162(left), &root_of_rfc_9162(right))
}

#[test]
fn the_root_is_that_of_rfc_9162() {
    for size in 1..=70 {
        let leaves: Vec<Digest32> = (0..size).map(|n| Digest32([n; 32])).collect();
        assert_eq!(root(&leaves), root_of_rfc_9162(&leaves), "of {size}");
    }
}

#[test]
fn each_change_of_a_frame_is_proven_and_no_other() {
    for size in 1..=40 {
        let (all, attestation) = attested(size);
        let proofs = attestation.proofs();
        for (at, change) in (0..).zip(&all) {
            let proof = proofs.proof(at, change.2).expect("there is one");
            for other in &all {
                assert_eq!(proves(&proof, other), change == other, "{at} of {size}");
            }
        }
        assert_eq!(proofs.proof(u32::from(size), Tick(0)), None);
    }
}

#[test]
fn a_proof_is_of_one_record_one_life_one_tick_and_one_server() {
    let (all, attestation) = attested(7);
    let (entry, change, tick, origin) = &all[4];
    let proof = attestation.proofs().proof(4, *tick).expect("there is one");
    let keys = [PublicKey::of(&key())];
    assert!(proof.proves(&RECORD, (entry, change), origin, &keys));
    let elsewhere = RecordId(Uuid::from_u128(9));
    assert!(!proof.proves(&elsewhere, (entry, change), origin, &keys));
    let others = [PublicKey::of(&SigningKey::from_bytes(&[8; 32]))];
    assert!(!proof.proves(&RECORD, (entry, change), origin, &others));
    assert!(!proof.proves(&RECORD, (entry, change), origin, &[]));
    let another = Proof {
        log: LogIncarnation([7; 16]),
        ..proof.clone()
    };
    assert!(!proves(&another, &all[4]));
    let later = Proof {
        tick: Tick(tick.0 + 1),
        ..proof
    };
    assert!(!proves(&later, &all[4]));
}

proptest! {
    /// Whatever is put in the place of a proof proves nothing, and harms nobody.
    #[test]
    fn no_other_proof_is_taken(
        size in 1_u8..40,
        at in 0_u32..40,
        shown in any::<u32>(),
        places in any::<u32>(),
        path in prop::collection::vec(any::<[u8; 32]>(), 0..40),
    ) {
        let (all, attestation) = attested(size);
        let at = at % u32::from(size);
        let change = &all[at as usize];
        let proof = attestation.proofs().proof(at, change.2).expect("there is one");
        prop_assert!(proves(&proof, change));
        let moved = Proof { at: shown, ..proof.clone() };
        prop_assert_eq!(proves(&moved, change), shown == at);
        let grown = Proof { size: places, ..proof.clone() };
        prop_assert_eq!(proves(&grown, change), places == u32::from(size));
        let path: Vec<Digest32> = path.into_iter().map(Digest32).collect();
        let same = path == proof.path;
        let other = Proof { path, ..proof };
        prop_assert_eq!(proves(&other, change), same);
    }
}
