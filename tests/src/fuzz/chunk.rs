//! A change chunk taken apart, so that one part can be changed and the whole still holds together:
//! lengths and checksum are put right again.

use sha2::{Digest as _, Sha256};

/// Magic, checksum and type.
const HEAD: usize = 9;

/// The parts of the contents of an uncompressed change chunk.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    /// Hashes of 32 bytes each.
    pub dependencies: Vec<Vec<u8>>,
    /// Whose.
    pub actor: Vec<u8>,
    /// Sequence number, first operation, time (as its bits).
    pub numbers: [u64; 3],
    /// What was said of it.
    pub message: Vec<u8>,
    /// The other actors it names.
    pub others: Vec<Vec<u8>>,
    /// Specification and data of each column.
    pub columns: Vec<(u64, Vec<u8>)>,
    /// What follows.
    pub rest: Vec<u8>,
}

impl Chunk {
    /// Takes a chunk apart; nothing if it is none.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes.get(HEAD..)?);
        reader.number()?;
        let dependencies = reader.number()?;
        let dependencies = (0..dependencies)
            .map(|_| reader.take(32))
            .collect::<Option<_>>()?;
        let actor = reader.prefixed()?;
        let numbers = [reader.number()?, reader.number()?, reader.number()?];
        let message = reader.prefixed()?;
        let others = reader.number()?;
        let others = (0..others)
            .map(|_| reader.prefixed())
            .collect::<Option<_>>()?;
        let columns = reader.number()?;
        let columns: Vec<(u64, usize)> = (0..columns)
            .map(|_| Some((reader.number()?, usize::try_from(reader.number()?).ok()?)))
            .collect::<Option<_>>()?;
        let columns = columns
            .into_iter()
            .map(|(specification, length)| Some((specification, reader.take(length)?)))
            .collect::<Option<_>>()?;
        Some(Chunk {
            dependencies,
            actor,
            numbers,
            message,
            others,
            columns,
            rest: reader.0.to_vec(),
        })
    }

    /// Puts it together, with the lengths and the checksum of what it is now.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        number(&mut out, self.dependencies.len() as u64);
        out.extend(self.dependencies.concat());
        prefixed(&mut out, &self.actor);
        for value in self.numbers {
            number(&mut out, value);
        }
        prefixed(&mut out, &self.message);
        number(&mut out, self.others.len() as u64);
        for other in &self.others {
            prefixed(&mut out, other);
        }
        number(&mut out, self.columns.len() as u64);
        for (specification, data) in &self.columns {
            number(&mut out, *specification);
            number(&mut out, data.len() as u64);
        }
        for (_, data) in &self.columns {
            out.extend(data);
        }
        out.extend(&self.rest);
        chunk(&out)
    }
}

/// A change chunk of these contents.
fn chunk(contents: &[u8]) -> Vec<u8> {
    let mut out = vec![0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 1];
    number(&mut out, contents.len() as u64);
    out.extend(contents);
    with_checksum(out)
}

/// The bytes of a chunk with the checksum they ought to have.
pub(super) fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() >= HEAD {
        let digest = Sha256::digest(&bytes[8..]);
        bytes[4..8].copy_from_slice(&digest[..4]);
    }
    bytes
}

/// Writes a LEB128 number.
pub(super) fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Writes a signed LEB128 number.
pub(super) fn signed(out: &mut Vec<u8>, mut value: i64) {
    loop {
        let byte = (value as u8) & 0x7f;
        value >>= 7;
        let done = (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0);
        out.push(if done { byte } else { byte | 0x80 });
        if done {
            return;
        }
    }
}

fn prefixed(out: &mut Vec<u8>, bytes: &[u8]) {
    number(out, bytes.len() as u64);
    out.extend(bytes);
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken.to_vec())
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn prefixed(&mut self) -> Option<Vec<u8>> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }
}
