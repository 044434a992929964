//! What is inside a frame: its changes in columns, so that what is alike stands together.
//!
//! A change that has the usual shape travels as what is particular to it; any other as it is. Either
//! way the reader has the same bytes again.

use std::collections::HashMap;

use super::chunk::{self, ChunkColumns};
use super::numbers::{Known, Named, Writer};
use super::origin::{self, OriginColumns};
use super::{FrameError, Item, NOT_A_FRAME};
use crate::change::{Edit, SignedOrigin, Voucher};
use crate::reader::Reader;
use crate::sign::SignatureBytes;
use crate::{Bytes, ChangeHash, EntryId, Tick, codec};

/// The change travels as it is.
const WHOLE_CHANGE: u8 = 1;
/// The origin travels as it is.
const WHOLE_ORIGIN: u8 = 2;
/// It says when it was accepted.
const ACCEPTED: u8 = 4;
/// Its author's signature is there.
const SIGNATURE: u8 = 8;
/// A proof of the server's is there.
const PROOF: u8 = 16;

/// The columns of a frame.
#[derive(Default)]
struct Columns<C> {
    /// A byte a change: how it travels.
    how: C,
    /// Which entry it is of.
    entry: C,
    /// The entries that are new to the frame.
    entries: C,
    chunk: ChunkColumns<C>,
    origin: OriginColumns<C>,
    /// When it was accepted.
    accepted: C,
    /// Changes and origins that travel as they are.
    whole: C,
    /// Signatures and proofs.
    vouchers: C,
}

impl<C> Columns<C> {
    /// All of them, in the order in which they stand in the frame.
    fn each(&mut self) -> [&mut C; 13] {
        [
            &mut self.how,
            &mut self.entry,
            &mut self.chunk.shape,
            &mut self.origin.shape,
            &mut self.accepted,
            &mut self.origin.writers,
            &mut self.chunk.operations,
            &mut self.whole,
            &mut self.entries,
            &mut self.chunk.actors,
            &mut self.chunk.hashes,
            &mut self.origin.seen,
            &mut self.vouchers,
        ]
    }
}

/// How many bytes changes and their origins are.
pub(super) fn size(edit: &Edit) -> usize {
    edit.change.len() + edit.origin.payload.len()
}

/// Writes the changes of a frame, each with its name; with what vouches for each by itself, if no
/// signature under the frame does for all.
pub(super) fn write(items: &[(ChangeHash, &Item)], attested: bool) -> Vec<u8> {
    let mut columns = Columns::<Writer>::default();
    let mut entries = Named::<EntryId>::default();
    let mut of_entry: HashMap<EntryId, chunk::Told> = HashMap::new();
    let mut origins = origin::Told::default();
    let mut tick = 0;
    for (change, Item { edit, accepted }) in items {
        let mut how = 0;
        let back = entries.back(&edit.entry);
        columns.entry.number(back);
        if back == 0 {
            entries.add(edit.entry);
            columns.entries.bytes(edit.entry.as_bytes());
        }
        let at = origins.write(&edit.origin.payload, &mut columns.origin);
        if at.is_none() {
            how |= WHOLE_ORIGIN;
            columns.whole.prefixed(&edit.origin.payload);
        }
        let told = of_entry.entry(edit.entry).or_default();
        let seconds = at.map_or(0, |at| at.0.div_euclid(1000));
        if !told.write(&edit.change, seconds, &mut columns.chunk) {
            how |= WHOLE_CHANGE;
            columns.whole.prefixed(&edit.change);
        }
        told.note(*change);
        if let Some(Tick(accepted)) = accepted {
            how |= ACCEPTED;
            columns.accepted.difference(*accepted, tick);
            tick = *accepted;
        }
        how |= match &edit.origin.voucher {
            _ if attested => 0,
            Voucher::Frame => 0,
            Voucher::Author(signature) => {
                columns.vouchers.bytes(&signature.0);
                SIGNATURE
            }
            Voucher::Server(proof) => {
                columns.vouchers.prefixed(&codec::to_cbor(proof));
                PROOF
            }
        };
        columns.how.bytes(&[how]);
    }
    let mut body = Writer::default();
    body.number(items.len() as u64);
    for column in columns.each() {
        body.number(column.0.len() as u64);
    }
    for column in columns.each() {
        body.bytes(&column.0);
    }
    body.0
}

/// Reads the changes of a frame, each with its name: so many bytes of them, put together again, and
/// so many changes at most.
pub(super) fn read(
    body: &[u8],
    content: usize,
    most_items: usize,
) -> Result<Vec<(ChangeHash, Item)>, FrameError> {
    let mut body = Reader(body);
    let count = body.count()?;
    if count > most_items {
        return Err(FrameError::TooLarge);
    }
    let mut columns = Columns {
        how: body,
        entry: body,
        entries: body,
        chunk: ChunkColumns {
            shape: body,
            hashes: body,
            actors: body,
            operations: body,
        },
        origin: OriginColumns {
            shape: body,
            writers: body,
            seen: body,
        },
        accepted: body,
        whole: body,
        vouchers: body,
    };
    let mut lengths = [0; 13];
    for length in &mut lengths {
        *length = body.count()?;
    }
    for (column, length) in columns.each().into_iter().zip(lengths) {
        *column = Reader(body.take(length)?);
    }
    if !body.0.is_empty() {
        return Err(NOT_A_FRAME);
    }
    let mut entries = Known::<EntryId>::default();
    let mut of_entry: HashMap<EntryId, chunk::Heard> = HashMap::new();
    let mut origins = origin::Heard::default();
    let (mut tick, mut taken) = (0, 0_usize);
    let mut items = Vec::new();
    for _ in 0..count {
        let how = columns.how.byte()?;
        let back = columns.entry.number()?;
        let entry = entries.at(back, || {
            EntryId::from_slice(columns.entries.take(16)?).ok_or(NOT_A_FRAME)
        })?;
        let (payload, seconds) = if how & WHOLE_ORIGIN == 0 {
            let (payload, at) = origins.read(&mut columns.origin)?;
            (payload, at.0.div_euclid(1000))
        } else {
            (columns.whole.prefixed()?.to_vec(), 0)
        };
        let heard = of_entry.entry(entry).or_default();
        let change = if how & WHOLE_CHANGE == 0 {
            heard.read(seconds, &mut columns.chunk)?
        } else {
            columns.whole.prefixed()?.to_vec()
        };
        let hash = chunk::hash(&change);
        heard.note(hash);
        let accepted = if how & ACCEPTED == 0 {
            None
        } else {
            tick = columns.accepted.difference(tick)?;
            Some(Tick(tick))
        };
        let voucher = match how & !(WHOLE_CHANGE | WHOLE_ORIGIN | ACCEPTED) {
            0 => Voucher::Frame,
            SIGNATURE => Voucher::Author(SignatureBytes(columns.vouchers.array()?)),
            PROOF => {
                let proof = codec::from_cbor(columns.vouchers.prefixed()?);
                Voucher::Server(Box::new(proof.map_err(|_| NOT_A_FRAME)?))
            }
            _ => return Err(NOT_A_FRAME),
        };
        taken = taken.saturating_add(change.len() + payload.len());
        if taken > content {
            return Err(NOT_A_FRAME);
        }
        let edit = Edit {
            entry,
            change: change.into(),
            origin: SignedOrigin {
                payload: Bytes(payload),
                voucher,
            },
        };
        items.push((hash, Item { edit, accepted }));
    }
    let read = columns.each().iter().all(|column| column.0.is_empty());
    match read && taken == content {
        true => Ok(items),
        false => Err(NOT_A_FRAME),
    }
}
