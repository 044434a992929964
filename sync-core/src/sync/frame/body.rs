//! What is inside a frame: its changes in columns, so that what is alike stands together.
//!
//! A change that has the usual shape travels as what is particular to it; any other as it is. Either
//! way the reader has the same bytes again.

use std::collections::HashMap;

use super::chunk::{self, ChunkColumns};
use super::numbers::{Column, Known, Named};
use super::origin::{self, OriginColumns};
use super::stripped::{Carried, Change, Statement, Stripped};
use super::{FrameError, NOT_A_FRAME};
use crate::change::Voucher;
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

/// Writes changes; with what vouches for each by itself, if no signature under the frame does for all.
pub(super) fn write<'s>(items: impl Iterator<Item = &'s Stripped>, attested: bool) -> Vec<u8> {
    let mut columns = Columns::<Column>::default();
    let mut entries = Named::<EntryId>::default();
    let mut of_entry: HashMap<EntryId, chunk::Told> = HashMap::new();
    let mut origins = origin::Told::default();
    let (mut count, mut tick) = (0, 0);
    for Stripped { name, carried, .. } in items {
        count += 1;
        let mut how = 0;
        let back = entries.back(&carried.entry);
        columns.entry.number(back);
        if back == 0 {
            entries.add(carried.entry);
            columns.entries.bytes(carried.entry.as_bytes());
        }
        match &carried.statement {
            Statement::Parts(parts) => origins.write(parts, &mut columns.origin),
            Statement::Whole(payload) => {
                how |= WHOLE_ORIGIN;
                columns.whole.prefixed(payload);
            }
        }
        let told = of_entry.entry(carried.entry).or_default();
        match &carried.change {
            Change::Parts(parts) => {
                told.write(parts, carried.statement.seconds(), &mut columns.chunk);
            }
            Change::Whole(chunk) => {
                how |= WHOLE_CHANGE;
                columns.whole.prefixed(chunk);
            }
        }
        told.note(*name);
        if let Some(Tick(accepted)) = carried.accepted {
            how |= ACCEPTED;
            columns.accepted.difference(accepted, tick);
            tick = accepted;
        }
        how |= match &carried.voucher {
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
    let mut body = Column::default();
    body.number(count);
    for column in columns.each() {
        body.number(column.0.len() as u64);
    }
    for column in columns.each() {
        body.bytes(&column.0);
    }
    body.0
}

/// Reads changes, so many at most; `take` is handed one after the other, and says its name.
pub(super) fn read<T>(
    body: &[u8],
    most: usize,
    mut take: impl FnMut(Carried) -> Result<(ChangeHash, T), FrameError>,
) -> Result<Vec<T>, FrameError> {
    let mut body = Reader(body);
    let count = body.count()?;
    if count > most {
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
    let mut tick = 0;
    let mut taken = Vec::new();
    for _ in 0..count {
        let how = columns.how.byte()?;
        let back = columns.entry.number()?;
        let entry = entries.at(back, || {
            EntryId::from_slice(columns.entries.take(16)?).ok_or(NOT_A_FRAME)
        })?;
        let statement = if how & WHOLE_ORIGIN == 0 {
            Statement::Parts(origins.read(&mut columns.origin)?)
        } else {
            Statement::Whole(Bytes(columns.whole.prefixed()?.to_vec()))
        };
        let heard = of_entry.entry(entry).or_default();
        let change = if how & WHOLE_CHANGE == 0 {
            Change::Parts(heard.read(statement.seconds(), &mut columns.chunk)?)
        } else {
            Change::Whole(Bytes(columns.whole.prefixed()?.to_vec()))
        };
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
        let (name, one) = take(Carried {
            entry,
            change,
            statement,
            accepted,
            voucher,
        })?;
        heard.note(name);
        taken.push(one);
    }
    match columns.each().iter().all(|column| column.0.is_empty()) {
        true => Ok(taken),
        false => Err(NOT_A_FRAME),
    }
}
