//! How much room is left on the disks of the stores.

use std::path::PathBuf;

/// Directories of stores, and how much must be free on the disk of each.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    stores: Vec<PathBuf>,
    least: u64,
}

impl Disk {
    /// At least so many bytes must be free on the disk of each of these.
    pub fn new(stores: Vec<PathBuf>, least: u64) -> Self {
        Disk { stores, least }
    }

    /// Whether less is free on one of them. One that does not say counts as having room: whoever writes
    /// there is told.
    pub fn is_short(&self) -> bool {
        self.stores.iter().any(|store| {
            let free = rustix::fs::statvfs(store).map(|disk| disk.f_bavail * disk.f_frsize);
            free.is_ok_and(|free| free < self.least)
        })
    }
}
