//! The journal of what was taken back for good. A data store that is put back from an older copy
//! knows nothing of what was revoked after it; the key store is not put back with it, and tells.

use diesel::prelude::*;
use sync_core::{DeviceId, Tick};
use uuid::Uuid;

use super::schema::revocations;
use super::{KeyError, Keys};

/// What can be taken back for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// A device: nothing it signs is taken any more.
    Device(DeviceId),
    /// A passkey, by its credential's identifier.
    Passkey(Vec<u8>),
    /// A session.
    Session(Uuid),
    /// An enrolment code that was used or replaced, by its selector and its digest.
    Code(Vec<u8>),
}

impl Revoked {
    fn parts(&self) -> (&'static str, &[u8]) {
        match self {
            Self::Device(id) => ("device", id.as_bytes()),
            Self::Passkey(credential) => ("passkey", credential),
            Self::Session(id) => ("session", id.as_bytes()),
            Self::Code(digest) => ("code", digest),
        }
    }

    fn read(kind: &str, subject: Vec<u8>) -> Option<Self> {
        match kind {
            "device" => DeviceId::from_slice(&subject).map(Self::Device),
            "passkey" => Some(Self::Passkey(subject)),
            "session" => Uuid::from_slice(&subject).ok().map(Self::Session),
            "code" => Some(Self::Code(subject)),
            _ => None,
        }
    }
}

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Its place in the journal.
    pub sequence: i64,
    /// What was revoked.
    pub revoked: Revoked,
    /// When.
    pub time: Tick,
}

impl Keys {
    /// Notes that something is revoked, once; durable when this returns. To be called before the
    /// data store commits, so that no acknowledged revocation is missing here. `expires` is when
    /// the thing ends by itself: the line is kept until then, for ever if it never does.
    ///
    /// # Errors
    /// When the key store fails; the revocation must not be acknowledged then.
    pub fn journal_revocation(
        &self,
        revoked: &Revoked,
        expires: Option<Tick>,
    ) -> Result<(), KeyError> {
        let (kind, subject) = revoked.parts();
        let now = self.0.clock.now().0.cast_signed();
        let mut connection = self.0.connection();
        connection.immediate_transaction(|connection| {
            let over = revocations::table.filter(revocations::expires.lt(now));
            diesel::delete(over).execute(connection)?;
            diesel::insert_or_ignore_into(revocations::table)
                .values((
                    revocations::kind.eq(kind),
                    revocations::subject.eq(subject),
                    revocations::time.eq(now),
                    revocations::expires.eq(expires.map(|tick| tick.0.cast_signed())),
                ))
                .execute(connection)?;
            Ok(())
        })
    }

    /// Whether something is in the journal.
    ///
    /// # Errors
    /// When the key store fails.
    pub fn is_revoked(&self, revoked: &Revoked) -> Result<bool, KeyError> {
        let (kind, subject) = revoked.parts();
        let line = revocations::table
            .filter(revocations::kind.eq(kind))
            .filter(revocations::subject.eq(subject));
        let mut connection = self.0.connection();
        Ok(diesel::select(diesel::dsl::exists(line)).get_result(&mut *connection)?)
    }

    /// The lines after one, in order, at most so many.
    ///
    /// # Errors
    /// When the key store fails.
    pub fn revocations_after(
        &self,
        sequence: i64,
        limit: u32,
    ) -> Result<Vec<Revocation>, KeyError> {
        let rows: Vec<(i64, String, Vec<u8>, i64)> = revocations::table
            .filter(revocations::sequence.gt(sequence))
            .order(revocations::sequence)
            .limit(limit.into())
            .select((
                revocations::sequence,
                revocations::kind,
                revocations::subject,
                revocations::time,
            ))
            .load(&mut *self.0.connection())?;
        let read = |(sequence, kind, subject, time): (i64, String, Vec<u8>, i64)| {
            let malformed = crate::storage::StorageError::Malformed("revocations.subject");
            Ok(Revocation {
                sequence,
                revoked: Revoked::read(&kind, subject).ok_or(malformed)?,
                time: Tick(time.cast_unsigned()),
            })
        };
        rows.into_iter().map(read).collect()
    }
}
