//! Messages of a reconciliation, as the server reads a device's and a device the server's.

use std::sync::LazyLock;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use sync_core::reconcile::{Compare, Inventory, Version};
use sync_core::sync::limits::MAX_RECONCILE;
use sync_core::{ChangeHash, Tick};

use super::mutate;
use super::seeds::entry_id;
use super::target::Verdict;

/// The smallest bound of a message.
const LEAST: usize = 4_096;
/// How much longer one may be.
const OVER: usize = 256;

/// What a server and a device have: most of it is the same.
static PARTIES: LazyLock<[Inventory; 2]> = LazyLock::new(|| {
    let of = |numbers: std::ops::Range<usize>, tick: u64| -> Inventory {
        let version = Version::NONE.and(Tick(tick), &ChangeHash([3; 32]));
        numbers.map(|number| (entry_id(number), version)).collect()
    };
    [of(0..900, 1), of(40..960, 1)]
});

/// A message of either party, with a few bytes or whole ranges changed.
pub(super) fn message(dice: &mut ChaCha8Rng) -> Vec<u8> {
    let [server, device] = &*PARTIES;
    let first = device.first().unwrap_or_default();
    let reply = server.reply(&first, 0).ok().flatten().unwrap_or_default();
    let next = device.compare(&reply, 0).ok();
    let next = next.and_then(|found| found.next).unwrap_or_default();
    let mut message = match dice.random_range(0..3) {
        0 => first,
        1 => reply,
        _ => next,
    };
    if dice.random_bool(0.3) && !message.is_empty() {
        let from = dice.random_range(0..message.len());
        let part = message[from..].to_vec();
        let times = dice.random_range(1..64);
        for _ in 0..times {
            message.extend(&part);
        }
        message.truncate(MAX_RECONCILE + 16);
    }
    if dice.random_bool(0.9) {
        mutate::bytes(dice, &mut message);
    }
    message
}

/// Reads it at both ends.
pub(super) fn read(bytes: &[u8]) -> Verdict {
    let [server, device] = &*PARTIES;
    let asked = Compare {
        message: bytes.to_vec().into(),
        wanted: Vec::new(),
    };
    if asked.check().is_err() {
        return Verdict::Refused;
    }
    if bytes.is_empty() {
        return Verdict::Passed;
    }
    match server.reply(bytes, LEAST) {
        Ok(Some(reply)) if reply.len() > LEAST + OVER => {
            return Verdict::Poison("no answer is longer than it may be");
        }
        Ok(_) => {}
        Err(_) => return Verdict::Poison("a message that can be read is answered"),
    }
    match device.compare(bytes, LEAST) {
        Ok(found) if found.have.iter().any(|item| device.entry(item).is_none()) => {
            Verdict::Poison("a device has what it is said to have")
        }
        Ok(_) => Verdict::Passed,
        Err(_) => Verdict::Refused,
    }
}
