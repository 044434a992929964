//! What is left of a directory when the power is cut.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rand::{Rng, RngExt as _};

use super::{Journal, Record};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// Whether the disk does what it is asked to before it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushes {
    /// What was synced is there after a power cut.
    Kept,
    /// It says so at once, and does it when it likes: as with SQLite’s `synchronous=OFF`.
    Lied,
}

/// A directory on a disk: what is durable, and what was asked since.
///
/// Of writes that were not synced any may be there, in any combination, each whole or torn at a
/// sector. Names (made, renamed, removed) that were not synced come to the disk in the order in which
/// a directory had them, as in the journals of ext4, XFS and btrfs; a sync of a file is none of its
/// name. What a failed sync had to write is not written by a later one.
#[derive(Debug)]
pub struct Disk {
    root: PathBuf,
    flushes: Flushes,
    nodes: Vec<Node>,
    by_inode: HashMap<u64, usize>,
    played: u64,
}

#[derive(Debug)]
enum Node {
    File(Content),
    Directory(Names),
}

#[derive(Debug, Default)]
struct Content {
    durable: Vec<u8>,
    pending: Vec<Asked>,
    /// How many were asked, and how many of them when each sync began.
    asked: u64,
    syncs: HashMap<u64, u64>,
}

#[derive(Clone, Debug)]
struct Asked {
    number: u64,
    change: Change,
    /// A sync that had to write it failed.
    dropped: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Cut(usize),
}

#[derive(Debug, Default)]
struct Names {
    durable: BTreeMap<String, usize>,
    /// What one step makes of some names, at once.
    pending: Vec<Vec<(String, Option<usize>)>>,
    syncs: HashMap<u64, usize>,
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::Write(at, written) => {
                let end = at + written.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*at..end].copy_from_slice(written);
            }
            Change::Cut(length) => bytes.resize(*length, 0),
        }
    }

    /// A write as far as the disk came with it, from its beginning or its end.
    fn torn(&self, random: &mut impl Rng) -> Self {
        let Change::Write(at, written) = self else {
            return self.clone();
        };
        // Where the first sector begins that it is not the beginning of.
        let first = SECTOR - at % SECTOR;
        let edges: Vec<usize> = (first..written.len()).step_by(SECTOR).collect();
        let Some(edge) = edges.get(random.random_range(0..edges.len().max(1))) else {
            return self.clone();
        };
        match random.random_bool(0.5) {
            true => Change::Write(*at, written[..*edge].to_vec()),
            false => Change::Write(at + edge, written[*edge..].to_vec()),
        }
    }
}

impl Content {
    fn ask(&mut self, change: Change) {
        self.asked += 1;
        self.pending.push(Asked {
            number: self.asked,
            change,
            dropped: false,
        });
    }

    fn synced(&mut self, sync: u64) {
        let until = self.syncs.remove(&sync).unwrap_or_default();
        let durable = &mut self.durable;
        self.pending.retain(|asked| {
            let done = asked.number <= until;
            if done && !asked.dropped {
                asked.change.apply(durable);
            }
            !done
        });
    }

    fn failed(&mut self, sync: u64) {
        let until = self.syncs.remove(&sync).unwrap_or_default();
        for asked in &mut self.pending {
            asked.dropped |= asked.number <= until;
        }
    }

    /// What whoever reads it now reads.
    fn asked_for(&self) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        let pending = self.pending.iter().map(|asked| &asked.change);
        pending.for_each(|change| change.apply(&mut bytes));
        bytes
    }

    /// What is there after a power cut.
    fn left(&self, random: &mut impl Rng) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        let kept = match random.random_range(0..4) {
            0 => 0.0,
            1 => 1.0,
            _ => 0.5,
        };
        let mut pending: Vec<&Change> = self.pending.iter().map(|asked| &asked.change).collect();
        pending.retain(|_| random.random_bool(kept));
        let last = pending.len().saturating_sub(1);
        for (number, change) in pending.into_iter().enumerate() {
            match number == last || random.random_bool(0.1) {
                true => change.torn(random).apply(&mut bytes),
                false => change.apply(&mut bytes),
            }
        }
        bytes
    }
}

impl Names {
    fn current(&self) -> BTreeMap<String, usize> {
        after(&self.durable, &self.pending)
    }

    fn synced(&mut self, sync: u64) {
        let steps = self.syncs.remove(&sync).unwrap_or_default();
        let steps = steps.min(self.pending.len());
        self.durable = after(&self.durable, &self.pending[..steps]);
        self.pending.drain(..steps);
        for begun in self.syncs.values_mut() {
            *begun = begun.saturating_sub(steps);
        }
    }
}

fn after(
    names: &BTreeMap<String, usize>,
    steps: &[Vec<(String, Option<usize>)>],
) -> BTreeMap<String, usize> {
    let mut names = names.clone();
    for (name, node) in steps.iter().flatten() {
        match node {
            Some(node) => names.insert(name.clone(), *node),
            None => names.remove(name),
        };
    }
    names
}

/// What no disk is asked about: the log of a test’s server, and what SQLite makes anew.
fn is_left_out(name: &str) -> bool {
    name == "server.log" || name.ends_with("-shm")
}

impl Disk {
    /// A disk on which a directory is as it is now, all of it durable.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn holding(root: &Path, flushes: Flushes) -> io::Result<Self> {
        let mut disk = Disk {
            root: root.canonicalize()?,
            flushes,
            nodes: Vec::new(),
            by_inode: HashMap::new(),
            played: 0,
        };
        let root = disk.root.clone();
        disk.take(&root)?;
        Ok(disk)
    }

    /// Takes in a directory and what is in it, the directory first.
    fn take(&mut self, directory: &Path) -> io::Result<usize> {
        let node = self.new_node(inode(directory)?, Node::Directory(Names::default()));
        let mut names = Names::default();
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = entry.path();
            if is_left_out(&name) {
                continue;
            }
            let found = if path.is_dir() {
                self.take(&path)?
            } else {
                let content = Content {
                    durable: std::fs::read(&path)?,
                    ..Content::default()
                };
                self.new_node(inode(&path)?, Node::File(content))
            };
            names.durable.insert(name, found);
        }
        self.nodes[node] = Node::Directory(names);
        Ok(node)
    }

    fn new_node(&mut self, inode: u64, node: Node) -> usize {
        self.nodes.push(node);
        self.by_inode.insert(inode, self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    /// Plays what a journal tells until `position`, from where it stopped before.
    ///
    /// # Panics
    /// When something was done that the layer cannot tell, or to a file that was never made: the
    /// program does to its files what the layer does not know.
    pub fn play(&mut self, journal: &Journal, position: u64) {
        let from = self.played;
        let next = journal.records();
        let next = next.filter(|(end, _)| (from + 1..=position).contains(end));
        for (end, record) in next {
            self.step(record);
            self.played = end;
        }
    }

    fn step(&mut self, record: &Record) {
        let offset = |number: u64| usize::try_from(number).expect("a file of a test");
        match record {
            Record::Created { inode, path } => {
                let node = self.new_node(*inode, Node::File(Content::default()));
                self.name(path, Some(node));
            }
            Record::MadeDirectory { inode, path } => {
                let node = self.new_node(*inode, Node::Directory(Names::default()));
                self.name(path, Some(node));
            }
            Record::Written { inode, at, bytes } => {
                let change = Change::Write(offset(*at), bytes.clone());
                self.content(*inode).ask(change);
            }
            Record::Cut { inode, length } => {
                self.content(*inode).ask(Change::Cut(offset(*length)));
            }
            Record::SyncBegun { inode, sync } => match self.node(*inode) {
                Node::File(content) => drop(content.syncs.insert(*sync, content.asked)),
                Node::Directory(names) => drop(names.syncs.insert(*sync, names.pending.len())),
            },
            Record::Synced { .. } if self.flushes == Flushes::Lied => {}
            Record::Synced { inode, sync } => match self.node(*inode) {
                Node::File(content) => content.synced(*sync),
                Node::Directory(names) => names.synced(*sync),
            },
            Record::SyncFailed { inode, sync } => {
                if let Node::File(content) = self.node(*inode) {
                    content.failed(*sync);
                }
            }
            Record::Removed { path } => self.name(path, None),
            Record::Linked { from, to } => {
                let node = self.find(from);
                self.name(to, Some(node));
            }
            Record::Renamed { from, to } => {
                assert_eq!(from.parent(), to.parent(), "renamed in one directory");
                let node = self.find(from);
                let (directory, old) = self.place(from);
                let new = self.place(to).1;
                let step = vec![(old, None), (new, Some(node))];
                self.names(directory).pending.push(step);
            }
            Record::Unknown { function } => panic!("the layer cannot tell what {function} does"),
        }
    }

    fn node(&mut self, inode: u64) -> &mut Node {
        let node = self.by_inode.get(&inode).expect("it was made");
        &mut self.nodes[*node]
    }

    fn content(&mut self, inode: u64) -> &mut Content {
        match self.node(inode) {
            Node::File(content) => content,
            Node::Directory(_) => panic!("directories are not written"),
        }
    }

    fn names(&mut self, node: usize) -> &mut Names {
        match &mut self.nodes[node] {
            Node::Directory(names) => names,
            Node::File(_) => panic!("a file is no directory"),
        }
    }

    /// The directory that a path leads to, and the name in it.
    fn place(&mut self, path: &Path) -> (usize, String) {
        let below = path.strip_prefix(&self.root).expect("below the root");
        let mut steps = below.iter().map(|step| step.to_string_lossy().into_owned());
        let name = steps.next_back().expect("below the root");
        // The root was taken first.
        let directory = steps.fold(0, |node, step| self.names(node).current()[&step]);
        (directory, name)
    }

    fn find(&mut self, path: &Path) -> usize {
        let (directory, name) = self.place(path);
        self.names(directory).current()[&name]
    }

    fn name(&mut self, path: &Path, node: Option<usize>) {
        let (directory, name) = self.place(path);
        self.names(directory).pending.push(vec![(name, node)]);
    }

    /// The first file that is not in a directory as it was asked to be, or is there and should not: a
    /// journal that tells of all that was done leads to none.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn differs_from(&self, directory: &Path) -> io::Result<Option<PathBuf>> {
        self.node_differs(0, directory)
    }

    fn node_differs(&self, node: usize, path: &Path) -> io::Result<Option<PathBuf>> {
        let names = match &self.nodes[node] {
            Node::File(content) => {
                let same = std::fs::read(path)? == content.asked_for();
                return Ok((!same).then(|| path.to_owned()));
            }
            Node::Directory(names) => names.current(),
        };
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !is_left_out(&name) && !names.contains_key(&name) {
                return Ok(Some(entry.path()));
            }
        }
        for (name, node) in &names {
            let differs = self.node_differs(*node, &path.join(name))?;
            if differs.is_some() {
                return Ok(differs);
            }
        }
        Ok(None)
    }

    /// Makes the directory `to` as the power cut leaves this one; it must not be there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn leave(&self, random: &mut impl Rng, to: &Path) -> io::Result<()> {
        self.leave_node(0, random, to)
    }

    fn leave_node(&self, node: usize, random: &mut impl Rng, to: &Path) -> io::Result<()> {
        match &self.nodes[node] {
            Node::File(content) => {
                let mut made = std::fs::OpenOptions::new();
                let mut made = made.write(true).create_new(true).mode(0o600).open(to)?;
                io::Write::write_all(&mut made, &content.left(random))
            }
            Node::Directory(names) => {
                std::fs::DirBuilder::new().mode(0o700).create(to)?;
                let steps = random.random_range(0..=names.pending.len());
                let names = after(&names.durable, &names.pending[..steps]);
                names
                    .iter()
                    .try_for_each(|(name, node)| self.leave_node(*node, random, &to.join(name)))
            }
        }
    }
}

#[cfg(test)]
mod tests;

fn inode(path: &Path) -> io::Result<u64> {
    std::fs::metadata(path).map(|metadata| metadata.ino())
}
