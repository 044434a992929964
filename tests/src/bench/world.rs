//! A server, and phones whose stores are in memory where the system has a place for that, so that
//! their writes do not wait for the disk the server writes to.

use std::cell::{Cell, RefCell};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use carnet_mobile::face::Profile;
use sync_core::EntryId;
use tempfile::TempDir;

use crate::life::{Life, Plan};
use crate::support::{
    Copy, Identity, Opened, Phone, Server, SupportError, open_record, open_records,
};

/// A server and a place for phones.
pub(super) struct World {
    /// The server.
    pub server: Server,
    disk: TempDir,
    memory: TempDir,
    people: Cell<u16>,
}

/// Somebody with a record, on their phone.
pub(super) struct Holder {
    /// Their sign-in.
    pub profile: Arc<Profile>,
    /// Their phone, which lives as long.
    _phone: Phone,
    /// Their record.
    pub copy: Copy,
}

impl World {
    /// Starts a server.
    pub fn new() -> Result<Self, SupportError> {
        let folder = |place: &Path| {
            let made = tempfile::Builder::new()
                .prefix("carnet-bench-")
                .tempdir_in(place);
            made.map_err(SupportError::io("a temporary folder"))
        };
        let disk = folder(&std::env::temp_dir())?;
        let memory = folder(Path::new("/dev/shm")).or_else(|_| folder(&std::env::temp_dir()))?;
        Ok(World {
            server: start(disk.path(), &[])?,
            disk,
            memory,
            people: Cell::new(0),
        })
    }

    /// Stops the server and starts it again over the same data, with more arguments: it holds no
    /// more memory then than what it needs.
    pub fn started_again(self, arguments: &[&str]) -> Result<Self, SupportError> {
        self.server.stop()?;
        let server = start(self.disk.path(), arguments)?;
        Ok(World { server, ..self })
    }

    /// Kills the server wherever it is, and starts it again over what it left.
    pub fn killed(self) -> Result<Self, SupportError> {
        self.server.kill()?;
        let server = start(self.disk.path(), &[])?;
        Ok(World { server, ..self })
    }

    /// Opens records for so many people, none of whom is enrolled yet.
    pub fn records(&self, count: usize) -> Result<Vec<Opened>, SupportError> {
        let first = self.people.get() + 1;
        let after = first + u16::try_from(count).unwrap_or(u16::MAX - first);
        self.people.set(after - 1);
        let identities: Vec<Identity<'_>> = (first..after).map(identity).collect();
        open_records(&self.server, &identities)
    }

    /// Where a phone's store is, in memory.
    pub fn in_memory(&self, name: &str) -> PathBuf {
        self.memory.path().join(name)
    }

    /// Where a phone's store is, on the disk.
    pub fn on_disk(&self, name: &str) -> PathBuf {
        self.disk.path().join(name)
    }

    /// What the server says of itself, as Prometheus reads it.
    pub fn metrics(&self) -> Result<String, SupportError> {
        let address = self.server.url().trim_start_matches("http://");
        let failed = SupportError::io("the server's metrics");
        let mut stream = TcpStream::connect(address).map_err(&failed)?;
        let request =
            format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).map_err(&failed)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(&failed)?;
        Ok(answer)
    }

    /// Opens a record for somebody new, and enrols them on a phone in this folder.
    pub fn holder(&self, folder: &Path) -> Result<Holder, SupportError> {
        let order = self.people.get() + 1;
        self.people.set(order);
        let opened = open_record(&self.server, &identity(order))?;
        let phone = Phone::open(folder)?;
        let profile = phone.enrol(self.server.url(), &opened.code)?;
        let copy = phone.copy(&profile, opened.record)?;
        Ok(Holder {
            profile,
            _phone: phone,
            copy,
        })
    }
}

fn identity(order: u16) -> Identity<'static> {
    Identity {
        family_name: "DURAND",
        given_names: "PAUL",
        sex: "M",
        order,
    }
}

/// Starts a server with limits no benchmark meets.
fn start(disk: &Path, arguments: &[&str]) -> Result<Server, SupportError> {
    let most = "1000000";
    let limits = ["--session-rate", most, "--peer-rate", most, "--log", "warn"];
    Server::start(&disk.join("server"), &[&limits, arguments].concat())
}

impl Holder {
    /// Writes a life and sends it as it is written. Gives the names of its entries.
    pub fn live(&self, entries: usize, changes: usize) -> Result<Vec<EntryId>, SupportError> {
        let life = Life::generate(&Plan {
            seed: 1,
            entries,
            changes,
        });
        let failed = RefCell::new(None);
        let names = self.copy.write_life(&life, |_| {
            if let Err(error) = self.copy.sync() {
                failed.replace(Some(error));
            }
        })?;
        failed.into_inner().map_or(Ok(names), Err)
    }
}
