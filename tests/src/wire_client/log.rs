//! The access log, verified.

use ciborium::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Encoding, LogPage, Problem, WireDevice};

/// A member of an event.
pub fn event_member<'e>(event: &'e Value, name: &str) -> Option<&'e Value> {
    let members = event.as_map()?.iter();
    let mut found = members.filter(|(key, _)| key.as_text() == Some(name));
    found.next().map(|(_, value)| value)
}

/// Reads a record's log in pages of `limit` events, each in this device's encoding, and verifies
/// the chain, which must pass through `witness`. Gives the events.
pub async fn read_log(
    device: &WireDevice,
    record: Uuid,
    witness: &[u8],
    limit: u32,
) -> Result<Vec<Value>, Problem> {
    let genesis = [b"carnet/access-log/1/genesis", &record.as_bytes()[..]];
    let mut head = Sha256::digest(genesis.concat()).to_vec();
    let (mut events, mut last, mut witnessed) = (Vec::new(), 0, false);
    loop {
        let path = format!(
            "/v1/records/{record}/log?after={}&limit={limit}",
            events.len()
        );
        let page: LogPage = device.wire.get(&path, device.token()).await?;
        for next in &page.events {
            let said = [
                b"carnet/access-log/1",
                &record.as_bytes()[..],
                &head,
                &next.e,
            ];
            head = Sha256::digest(said.concat()).to_vec();
            assert_eq!(head, next.h.0, "the hash follows from what was logged");
            let event: Value = Encoding::Cbor.read(&next.e).expect("an event is CBOR");
            let number = |name| {
                let number = event_member(&event, name)?.as_integer()?;
                u64::try_from(number).ok()
            };
            assert_eq!(number("n"), Some(events.len() as u64 + 1), "in its place");
            let done = number("t").expect("a tick");
            let logged = number("l").unwrap_or(done);
            assert!(done <= logged && last <= logged, "never goes back");
            last = logged;
            witnessed |= head == witness;
            events.push(event);
        }
        if !page.more {
            assert_eq!(page.head.seq, events.len() as u64);
            assert_eq!(page.head.hash.0, head);
            assert!(witnessed, "the log has what the checkpoint witnesses");
            return Ok(events);
        }
    }
}
