//! What a holder's own record tells of how they sign in.

use diesel::SqliteConnection;
use sync_core::audit::AccessAction;
use sync_core::policy::Role;
use sync_core::{DeviceId, PersonId};

use super::Records;
use super::vault::Vault;
use crate::audit::{self, Actor};
use crate::fault::Fault;
use crate::storage::records::RecordStore as _;

/// A change of how somebody signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInChange {
    /// A passkey was enrolled.
    PasskeyAdded,
    /// A passkey was revoked.
    PasskeyRevoked,
    /// A device was registered.
    DeviceAdded,
    /// A device was revoked.
    DeviceRevoked,
}

impl SignInChange {
    fn action(self) -> AccessAction {
        match self {
            SignInChange::PasskeyAdded => AccessAction::PasskeyAdded,
            SignInChange::PasskeyRevoked => AccessAction::PasskeyRevoked,
            SignInChange::DeviceAdded => AccessAction::DeviceAdded,
            SignInChange::DeviceRevoked => AccessAction::DeviceRevoked,
        }
    }
}

impl Records {
    /// Notes a change of how a person signs in, in the access log of their record if they have
    /// one, so that the holder sees a device or passkey that is not theirs. A record whose key is not
    /// here has no access log any more, and keeps nobody from signing in.
    ///
    /// # Errors
    /// When the server fails.
    pub fn note_sign_in(
        &self,
        connection: &mut SqliteConnection,
        person: PersonId,
        device: Option<DeviceId>,
        change: SignInChange,
    ) -> Result<(), Fault> {
        self.note_own(connection, person, Role::Holder, device, change)
    }

    /// Notes, as [`Records::note_sign_in`], that the server did again what the person had done
    /// before the data store was put back from an older copy.
    ///
    /// # Errors
    /// When the server fails.
    pub fn note_revoked_again(
        &self,
        connection: &mut SqliteConnection,
        person: PersonId,
        device: Option<DeviceId>,
        change: SignInChange,
    ) -> Result<(), Fault> {
        self.note_own(connection, person, Role::System, device, change)
    }

    fn note_own(
        &self,
        connection: &mut SqliteConnection,
        person: PersonId,
        role: Role,
        device: Option<DeviceId>,
        change: SignInChange,
    ) -> Result<(), Fault> {
        let Some(record) = connection.record_of(person)? else {
            return Ok(());
        };
        let Some(row) = connection.record(record)? else {
            return Ok(());
        };
        let Some(vault) = Vault::find(&self.keys, record)? else {
            return Ok(());
        };
        let mut clock = row.clock;
        clock.last = clock.last.next(self.clock.now());
        let actor = Actor::new(person, role, device, person);
        let event = actor.event(change.action(), clock.last);
        audit::append(connection, &vault, &mut clock, event)?;
        connection.move_clock(record, &clock)?;
        Ok(())
    }
}
