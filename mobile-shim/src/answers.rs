//! What a server may answer in JSON, by name: each is read here as whoever asked for it reads it.

use sync_core::audit::AccessEvent;

use crate::account::{Habilitation, Me, PasskeySummary, Records, SignedIn, Started};
use crate::driver::Reply;
use crate::error::Error;
use crate::face::{DeviceInfo, Invitation, LogPage, PasskeyInfo, Person, SessionInfo};
use crate::people::People;

/// An answer, by what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The options of a ceremony.
    Started,
    /// A session.
    SignedIn,
    /// Who one is.
    Me,
    /// One's passkeys, as a device keeps them to check an assertion by itself.
    KnownPasskeys,
    /// One's passkeys, as they are listed.
    Passkeys,
    /// One's devices.
    Devices,
    /// One's sessions.
    Sessions,
    /// An invitation of another device.
    Invitation,
    /// The records one may open.
    Records,
    /// The people of a record.
    People,
    /// A professional who was looked for.
    Professional,
    /// The habilitation matrix.
    Habilitation,
    /// A page of the access log.
    Log,
}

impl Answered {
    /// All of them.
    pub const ALL: [Answered; 13] = [
        Answered::Started,
        Answered::SignedIn,
        Answered::Me,
        Answered::KnownPasskeys,
        Answered::Passkeys,
        Answered::Devices,
        Answered::Sessions,
        Answered::Invitation,
        Answered::Records,
        Answered::People,
        Answered::Professional,
        Answered::Habilitation,
        Answered::Log,
    ];

    /// Reads it.
    ///
    /// # Errors
    /// When it is a problem, or cannot be read.
    pub fn read(self, reply: Reply) -> Result<(), Error> {
        match self {
            Answered::Started => reply.json::<Started>().map(drop),
            Answered::SignedIn => reply.json::<SignedIn>().map(drop),
            Answered::Me => reply.json::<Me>().map(drop),
            Answered::KnownPasskeys => reply.json::<Vec<PasskeySummary>>().map(drop),
            Answered::Passkeys => reply.json::<Vec<PasskeyInfo>>().map(drop),
            Answered::Devices => reply.json::<Vec<DeviceInfo>>().map(drop),
            Answered::Sessions => reply.json::<Vec<SessionInfo>>().map(drop),
            Answered::Invitation => reply.json::<Invitation>().map(drop),
            Answered::Records => reply.json::<Records>().map(drop),
            Answered::People => reply.json::<People>().map(drop),
            Answered::Professional => reply.json::<Person>().map(drop),
            Answered::Habilitation => reply.json::<Habilitation>().map(drop),
            Answered::Log => {
                let page = reply.json::<LogPage>()?;
                let mut events = page.events.iter();
                let read = events.try_for_each(|event| AccessEvent::decode(&event.event).map(drop));
                read.map_err(|_| Error::Unreadable)
            }
        }
    }
}
