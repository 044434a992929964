//! What a program did to its files, in order.

use std::io;
use std::path::{Path, PathBuf};

/// One thing that was done. Files and directories are named by their inodes, which are used again
/// once a name was removed; paths are whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "as `layer.c` notes it")]
pub enum Record {
    Created {
        inode: u64,
        path: PathBuf,
    },
    MadeDirectory {
        inode: u64,
        path: PathBuf,
    },
    Written {
        inode: u64,
        at: u64,
        bytes: Vec<u8>,
    },
    Cut {
        inode: u64,
        length: u64,
    },
    SyncBegun {
        inode: u64,
        sync: u64,
    },
    Synced {
        inode: u64,
        sync: u64,
    },
    SyncFailed {
        inode: u64,
        sync: u64,
    },
    Renamed {
        from: PathBuf,
        to: PathBuf,
    },
    Removed {
        path: PathBuf,
    },
    Linked {
        from: PathBuf,
        to: PathBuf,
    },
    /// Something that the layer cannot tell.
    Unknown {
        function: String,
    },
}

/// The records, each with the position in the journal's file at which it ends.
#[derive(Clone, Debug, Default)]
pub struct Journal(Vec<(u64, Record)>);

/// The bytes before those of a record.
const HEAD: usize = 32;

impl Journal {
    /// Reads a journal. A record that is not whole, the last one of a program that was killed, is
    /// left out.
    ///
    /// # Errors
    /// When it cannot be read, or is not one.
    pub fn read(path: &Path) -> io::Result<Self> {
        let bytes = std::fs::read(path)?;
        let mut records = Vec::new();
        let mut at = 0;
        while let Some(head) = bytes.get(at..at + HEAD) {
            let mut numbers = head.chunks_exact(8).map(|number| {
                let number = number.try_into().expect("chunks of eight bytes");
                u64::from_ne_bytes(number)
            });
            let mut next = || numbers.next().expect("a head has four numbers");
            let (kind, inode, number, length) = (next(), next(), next(), next());
            let length = usize::try_from(length).map_err(io::Error::other)?;
            let Some(payload) = bytes.get(at + HEAD..at + HEAD + length) else {
                break;
            };
            at += HEAD + length;
            let record = read(kind, inode, number, payload)
                .ok_or_else(|| io::Error::other(format!("no such record: {kind}")))?;
            records.push((at as u64, record));
        }
        Ok(Journal(records))
    }

    /// The records, in order, with where each ends.
    pub fn records(&self) -> impl Iterator<Item = (u64, &Record)> {
        self.0.iter().map(|(end, record)| (*end, record))
    }

    /// Where the last record ends.
    pub fn end(&self) -> u64 {
        self.0.last().map_or(0, |(end, _)| *end)
    }

    /// Where syncs began and came to their ends.
    pub fn syncs(&self) -> Vec<u64> {
        let is_sync =
            |record: &Record| matches!(record, Record::SyncBegun { .. } | Record::Synced { .. });
        let syncs = self.records().filter(|(_, record)| is_sync(record));
        syncs.map(|(end, _)| end).collect()
    }
}

fn read(kind: u64, inode: u64, number: u64, payload: &[u8]) -> Option<Record> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let path = |bytes: &[u8]| PathBuf::from(text(bytes));
    let two = || {
        let middle = payload.iter().position(|byte| *byte == 0)?;
        Some((path(&payload[..middle]), path(&payload[middle + 1..])))
    };
    Some(match kind {
        1 => Record::Created {
            inode,
            path: path(payload),
        },
        2 => Record::MadeDirectory {
            inode,
            path: path(payload),
        },
        3 => Record::Written {
            inode,
            at: number,
            bytes: payload.to_vec(),
        },
        4 => Record::Cut {
            inode,
            length: number,
        },
        5 => Record::SyncBegun {
            inode,
            sync: number,
        },
        6 => Record::Synced {
            inode,
            sync: number,
        },
        7 => Record::SyncFailed {
            inode,
            sync: number,
        },
        8 => two().map(|(from, to)| Record::Renamed { from, to })?,
        9 => Record::Removed {
            path: path(payload),
        },
        10 => two().map(|(from, to)| Record::Linked { from, to })?,
        11 => Record::Unknown {
            function: text(payload),
        },
        _ => return None,
    })
}
