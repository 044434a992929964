//! The layer as a test holds it: `layer.c` says what it does.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What `build.rs` makes of `layer.c`.
const LIBRARY: &str = concat!(env!("OUT_DIR"), "/layer.so");

/// Where in the file that the layer maps stands what: `struct control` of `layer.c`.
const ROOM: u64 = 0;
const SYNC_MICROS: u64 = 8;
const CLOCK_MICROS: u64 = 16;
const FAILING_SYNCS: u64 = 24;
const CONTROL: u64 = 32;

/// As much as there is.
const ANY_ROOM: i64 = -1;

/// A layer beneath the programs that run with its environment.
#[derive(Debug)]
pub struct Layer {
    root: PathBuf,
    journal: PathBuf,
    control: PathBuf,
    controlled: File,
}

impl Layer {
    /// A layer beneath what is done to the files below `root`, which keeps its own in the directory
    /// `books`, made if it is not there. It fails nothing yet.
    ///
    /// # Errors
    /// When a directory is not there or cannot be made.
    pub fn new(root: &Path, books: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(books)?;
        let control = books.join("control");
        let controlled = File::create(&control)?;
        controlled.set_len(CONTROL)?;
        let layer = Layer {
            root: root.canonicalize()?,
            journal: books.join("journal"),
            control,
            controlled,
        };
        File::create(&layer.journal)?;
        layer.set(ROOM, ANY_ROOM);
        Ok(layer)
    }

    /// What a program is started with to run over it.
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        let path = |path: &Path| path.as_os_str().to_owned();
        vec![
            ("LD_PRELOAD", LIBRARY.into()),
            ("CARNET_FAULTS_ROOT", path(&self.root)),
            ("CARNET_FAULTS_JOURNAL", path(&self.journal)),
            ("CARNET_FAULTS_CONTROL", path(&self.control)),
        ]
    }

    /// The journal.
    pub fn journal(&self) -> &Path {
        &self.journal
    }

    /// How far the journal has come, in bytes: what was durable before this was asked is before it.
    pub fn position(&self) -> u64 {
        std::fs::metadata(&self.journal).map_or(0, |file| file.len())
    }

    /// Files may grow by so many bytes from now on; nothing: by as many as they like.
    pub fn set_room(&self, bytes: Option<u64>) {
        let bytes = bytes.map_or(ANY_ROOM, |bytes| bytes.try_into().unwrap_or(i64::MAX));
        self.set(ROOM, bytes);
    }

    /// Each sync takes so much longer from now on.
    pub fn slow_down(&self, sync: Duration) {
        self.set(SYNC_MICROS, sync.as_micros().try_into().unwrap_or(i64::MAX));
    }

    /// The time of day is so many seconds ahead of the machine's from now on, or behind.
    pub fn set_clock(&self, seconds: i64) {
        self.set(CLOCK_MICROS, seconds * 1_000_000);
    }

    /// So many of the next syncs fail.
    pub fn fail_syncs(&self, count: u32) {
        self.set(FAILING_SYNCS, count.into());
    }

    fn set(&self, at: u64, value: i64) {
        let written = self.controlled.write_all_at(&value.to_ne_bytes(), at);
        written.expect("the control is a file of this process");
    }
}
