//! Names of things: records, entries, people, devices, changes; and the two clocks.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::fixed_bytes;

macro_rules! uuid_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The identifier whose 16 bytes these are.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                Uuid::from_slice(bytes).ok().map(Self)
            }
            /// The 16 bytes.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

uuid_id! {
    /// A record, by the identifier it was opened under; it never changes.
    RecordId
}
uuid_id! {
    /// An entry; a UUIDv7 made by the device that created it.
    EntryId
}
uuid_id! {
    /// A person: holder, caregiver, professional; also the WebAuthn user handle.
    PersonId
}

fixed_bytes! {
    /// A device profile: the first half of SHA-256 of its Ed25519 public key.
    DeviceId, 16
}
fixed_bytes! {
    /// One life of a device's store; a restored or rebased store takes a fresh one.
    Incarnation, 16
}
fixed_bytes! {
    /// One life of a record's log at the server; a restored server takes a fresh one.
    LogIncarnation, 16
}
fixed_bytes! {
    /// The SHA-256 by which Automerge names a change.
    ChangeHash, 32
}
fixed_bytes! {
    /// A digest of all that decides what one viewer may do in a record now.
    Epoch, 8
}
fixed_bytes! {
    /// A SHA-256 digest.
    Digest32, 32
}

impl std::str::FromStr for ChangeHash {
    type Err = crate::codec::Malformed;
    /// Reads 64 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digit = |byte: u8| {
            char::from(byte)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        let pair = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks_exact(2).map(pair).collect();
        let whole = bytes.filter(|_| text.len() == 64);
        whole
            .and_then(|bytes| Self::from_slice(&bytes))
            .ok_or(crate::codec::Malformed("change hash"))
    }
}

impl Digest32 {
    /// The digest of the concatenated parts.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        parts.iter().for_each(|part| hasher.update(part));
        Digest32(hasher.finalize().into())
    }
}

/// A place in a record's log, and the record's clock: microseconds since the Unix epoch.
///
/// The server gives every event of a record a larger tick than any before, so ticks order the
/// log; being times, the distances between them tell nothing of what a viewer may not see.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Tick(pub u64);

impl Tick {
    /// The next tick of a record whose clock stood at `self`, at wall-clock time `now`.
    pub fn next(self, now: Tick) -> Tick {
        Tick(now.0.max(self.0.saturating_add(1)))
    }

    /// Milliseconds since the Unix epoch.
    pub fn millis(self) -> i64 {
        i64::try_from(self.0 / 1000).unwrap_or(i64::MAX)
    }

    /// The tick `days` later.
    pub fn plus_days(self, days: u64) -> Tick {
        Tick(self.0.saturating_add(days.saturating_mul(86_400_000_000)))
    }
}

/// What a device's own clock said: milliseconds since the Unix epoch. Never decides a merge.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct DeviceTime(pub i64);
