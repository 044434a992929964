//! What a server and its trying processes say to each other: messages in CBOR, each after its
//! length, four bytes, the lowest first.

use std::io::{self, Read, Write};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sync_core::Bytes;
use sync_core::codec::{from_cbor, to_cbor};
use sync_core::guard::{Trial, Unsafe};

/// The largest message: what one request may carry, and the entries it is tried on.
const MOST: usize = 64 * 1024 * 1024;

/// How many bytes of entries are kept of one ask, as changes were added to them: those that follow
/// are not tried. The largest entry fits.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;

/// What one change may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Seconds of processor time; the system counts whole ones, so one more may pass.
    pub cpu_seconds: u64,
    /// Bytes of address space of its process, the program itself included.
    pub memory: u64,
    /// How long its process may be silent, whatever it does.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            cpu_seconds: 1,
            memory: 512 * 1024 * 1024,
            patience: Duration::from_secs(10),
        }
    }
}

/// Changes to be tried.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ask {
    /// Each is inspected by itself.
    pub changes: Vec<Bytes>,
    /// Those that are sound are added to their entries.
    pub entries: Vec<Tries>,
}

/// Changes of one entry.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tries {
    /// The entry as it is stored; nothing if there is none yet.
    pub document: Option<Bytes>,
    /// Which changes of [`Ask::changes`] are added, one after the other.
    pub changes: Vec<usize>,
}

/// What came of each change, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// Whether it is sound by itself.
    pub inspected: Vec<Result<(), Unsafe>>,
    /// What came of adding it, if it was to be, is sound, and there was room ([`MOST_BYTES`]).
    pub tried: Vec<Option<Trial>>,
}

/// Why nothing came of an ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// No process could be started, or it was ended by somebody else, or had no time: try again.
    #[error("no process to try changes in")]
    Unavailable,
    /// Too many of its changes end a process.
    #[error("too many changes that cannot be tried")]
    Harmful,
}

/// What a trying process is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Work {
    pub ask: Ask,
    /// Which changes it inspects first, and says so; others it inspects when they are to be added.
    pub inspect: Vec<usize>,
    /// How many bytes of entries it may give.
    pub room: usize,
}

/// What a trying process says of a step, when it is done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Said {
    Inspected(usize, Result<(), Unsafe>),
    Tried(usize, Trial),
    Done,
}

pub(super) fn send(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let body = to_cbor(message);
    let length = u32::try_from(body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut whole = Vec::with_capacity(4 + body.len());
    whole.extend(length.to_le_bytes());
    whole.extend(body);
    to.write_all(&whole)?;
    to.flush()
}

pub(super) fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > MOST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    from_cbor(&body).map_err(|_| io::ErrorKind::InvalidData.into())
}
