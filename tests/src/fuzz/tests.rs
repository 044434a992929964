use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{Automerge, Change};
use sync_core::guard::{self, Unsafe};

use super::*;

/// How many inputs of each target.
const INPUTS: u64 = 3_000;
/// Of entries, whose views take longest.
const ENTRIES: u64 = 400;

#[test]
fn no_hostile_input_panics_or_does_harm() {
    std::thread::scope(|scope| {
        let runs: Vec<_> = Target::all()
            .iter()
            .map(|target| {
                let inputs = if *target == Target::Entry {
                    ENTRIES
                } else {
                    INPUTS
                };
                let run = move || play(*target, 1, 0..inputs, &Uncounted, &AtomicU64::new(0));
                (target, scope.spawn(run))
            })
            .collect();
        for (target, run) in runs {
            let tally = run.join().expect("what an input panics with is caught");
            let found = &tally.findings;
            assert_eq!(
                (tally.panics, tally.poison),
                (0, 0),
                "{target:?}: {found:?}"
            );
            assert!(tally.passed > 0, "{target:?}: nothing gets through");
            assert!(
                tally.passed < tally.inputs,
                "{target:?}: nothing is refused"
            );
        }
    });
}

/// The inputs are hostile indeed: without the guard they do what it is there to prevent.
#[test]
fn without_the_guard_the_same_changes_panic_and_poison() {
    let seeds = Seeds::new();
    let (mut panics, mut poison) = (0, 0);
    for number in 0..INPUTS {
        let input = Target::Change.make(&seeds, &mut dice(Target::Change, 1, number));
        let base = &seeds.bases[input.seed];
        // Some claim more than any memory holds; the guard sees that by counting.
        let claims_too_much = [Unsafe::TooLarge, Unsafe::NotFlat];
        if guard::inspect(&input.bytes).is_err_and(|why| claims_too_much.contains(&why)) {
            continue;
        }
        let saved = catch_unwind(AssertUnwindSafe(|| {
            let mut document = Automerge::load(&base.document.save()).ok()?;
            let change = Change::from_bytes(input.bytes.clone()).ok()?;
            document.apply_changes([change]).ok()?;
            Some(document.save())
        }));
        match saved {
            Err(_) => panics += 1,
            Ok(Some(saved)) => {
                let again = catch_unwind(|| Automerge::load(&saved).is_ok());
                poison += u64::from(!again.unwrap_or(false));
            }
            Ok(None) => {}
        }
    }
    assert!(
        panics > 0 && poison > 0,
        "{panics} panics, {poison} poisoned"
    );
}
