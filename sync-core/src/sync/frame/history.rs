//! All changes of one entry as frames carry them, in one piece: what a server may keep beside the entry,
//! so that who is given all of it costs it no more than that.

use super::stripped::Stripped;
use super::{FrameError, NOT_A_FRAME, body, numbers};
use crate::change::Voucher;
use crate::guard::MAX_CHANGES;
use crate::reader::Reader;
use crate::{ChangeHash, Digest32};

const VERSION: u8 = 1;

/// All changes of one entry, in the order in which they were accepted, as frames carry them. What vouches
/// for each by itself is not among it.
///
/// In bytes: version; how many bytes the changes take, and these, as in a frame; then of each its name,
/// its leaf, and how many bytes its chunk and its origin are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History(Vec<Stripped>);

impl History {
    /// Adds a change that was accepted after all of these.
    pub fn push(&mut self, mut change: Stripped) {
        change.carried.voucher = Voucher::Frame;
        self.0.push(change);
    }

    /// The changes.
    pub fn changes(&self) -> &[Stripped] {
        &self.0
    }

    /// The changes.
    pub fn into_changes(self) -> Vec<Stripped> {
        self.0
    }

    /// Writes it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = numbers::Column(vec![VERSION]);
        out.prefixed(&body::write(self.0.iter(), true));
        for Stripped {
            name, leaf, size, ..
        } in &self.0
        {
            out.bytes(&name.0);
            out.bytes(&leaf.0);
            out.number(*size as u64);
        }
        out.0
    }

    /// Reads what [`History::to_bytes`] wrote; what it says of each change is taken as said.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut rest = Reader(bytes);
        match rest.byte()? {
            VERSION => {}
            other => return Err(FrameError::Version(other)),
        }
        let body = rest.prefixed()?;
        let changes = body::read(body, MAX_CHANGES, |carried| {
            let name = ChangeHash(rest.array()?);
            let change = Stripped {
                name,
                leaf: Digest32(rest.array()?),
                size: rest.count()?,
                carried,
            };
            Ok((name, change))
        })?;
        match rest.0.is_empty() {
            true => Ok(History(changes)),
            false => Err(NOT_A_FRAME),
        }
    }
}
