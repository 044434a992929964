use std::collections::BTreeSet;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::*;

const FILE: u64 = 1_000;

/// An empty directory.
fn empty() -> (tempfile::TempDir, Disk) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let disk = Disk::holding(dir.path(), Flushes::Kept).expect("a directory");
    (dir, disk)
}

fn path(dir: &tempfile::TempDir, name: &str) -> PathBuf {
    dir.path().canonicalize().expect("there").join(name)
}

fn written(at: u64, bytes: &[u8]) -> Record {
    let bytes = bytes.to_vec();
    Record::Written {
        inode: FILE,
        at,
        bytes,
    }
}

fn sync(disk: &mut Disk, inode: u64, sync: u64) {
    disk.step(&Record::SyncBegun { inode, sync });
    disk.step(&Record::Synced { inode, sync });
}

/// A disk with a durable file of zeroes.
fn with_file() -> (tempfile::TempDir, Disk) {
    let (dir, mut disk) = empty();
    let path = path(&dir, "file");
    disk.step(&Record::Created { inode: FILE, path });
    disk.step(&written(0, &[0; 1_024]));
    sync(&mut disk, FILE, 1);
    let root = inode(dir.path()).expect("there");
    sync(&mut disk, root, 2);
    (dir, disk)
}

/// All that may be left, of two hundred power cuts.
fn left(disk: &Disk) -> BTreeSet<BTreeMap<PathBuf, Vec<u8>>> {
    let left = (0..200).map(|seed| {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let to = dir.path().join("left");
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        disk.leave(&mut random, &to).expect("made");
        let files = std::fs::read_dir(&to).expect("a directory");
        files
            .map(|entry| {
                let path = entry.expect("an entry").path();
                let bytes = std::fs::read(&path).expect("a file");
                (path.file_name().expect("a name").into(), bytes)
            })
            .collect()
    });
    left.collect()
}

fn contents(disk: &Disk) -> BTreeSet<Vec<u8>> {
    let left = left(disk).into_iter();
    left.map(|files| files[Path::new("file")].clone()).collect()
}

#[test]
fn what_was_synced_is_there_and_nothing_else_is_sure() {
    let (_dir, mut disk) = with_file();
    assert_eq!(contents(&disk), [vec![0; 1_024]].into());
    disk.step(&written(0, &[1]));
    disk.step(&written(1, &[2]));
    let firsts: BTreeSet<Vec<u8>> = contents(&disk)
        .iter()
        .map(|bytes| bytes[..2].to_vec())
        .collect();
    let any = [vec![0, 0], vec![1, 0], vec![0, 2], vec![1, 2]];
    assert_eq!(firsts, any.into());
    sync(&mut disk, FILE, 3);
    assert!(contents(&disk).iter().all(|bytes| bytes[..2] == [1, 2]));
}

/// What is written while a sync lasts, it does not cover.
#[test]
fn a_sync_is_of_what_came_before_it() {
    let (_dir, mut disk) = with_file();
    let inode = FILE;
    disk.step(&Record::SyncBegun { inode, sync: 3 });
    disk.step(&written(0, &[1]));
    disk.step(&Record::Synced { inode, sync: 3 });
    assert_eq!(contents(&disk).len(), 2);
}

#[test]
fn a_write_is_torn_at_a_sector() {
    let (_dir, mut disk) = with_file();
    disk.step(&written(0, &[1; 1_024]));
    let (old, new) = (vec![0; 512], vec![1; 512]);
    let halves = |a: &[u8], b: &[u8]| [a, b].concat();
    let any = [
        halves(&old, &old),
        halves(&old, &new),
        halves(&new, &old),
        halves(&new, &new),
    ];
    // A whole one is the last that comes, and torn.
    assert!(contents(&disk).is_subset(&any.clone().into()));
    assert!(contents(&disk).contains(&any[1]) && contents(&disk).contains(&any[2]));
}

#[test]
fn a_sync_that_failed_is_not_made_up_for_by_the_next() {
    let (_dir, mut disk) = with_file();
    let inode = FILE;
    disk.step(&written(0, &[1]));
    disk.step(&Record::SyncBegun { inode, sync: 3 });
    disk.step(&Record::SyncFailed { inode, sync: 3 });
    sync(&mut disk, FILE, 4);
    assert!(contents(&disk).iter().all(|bytes| bytes[0] == 0));
    disk.step(&written(0, &[1]));
    sync(&mut disk, FILE, 5);
    assert!(contents(&disk).iter().all(|bytes| bytes[0] == 1));
}

#[test]
fn a_disk_that_lies_keeps_nothing_for_sure() {
    let (_dir, mut disk) = with_file();
    disk.flushes = Flushes::Lied;
    disk.step(&written(0, &[1]));
    sync(&mut disk, FILE, 3);
    assert_eq!(contents(&disk).len(), 2);
}

/// A name comes to the disk with its directory, not with its file, and two in their order.
#[test]
fn names_come_in_their_order() {
    let (dir, mut disk) = empty();
    for (inode, name) in [(FILE, "a"), (FILE + 1, "b")] {
        let path = path(&dir, name);
        disk.step(&Record::Created { inode, path });
        sync(&mut disk, inode, inode);
    }
    let names = |disk: &Disk| -> BTreeSet<String> {
        let left = left(disk).into_iter();
        left.map(|files| {
            let names: Vec<_> = files.keys().map(|name| name.to_string_lossy()).collect();
            names.concat()
        })
        .collect()
    };
    let set = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    assert_eq!(names(&disk), set(&["", "a", "ab"]));
    let root = inode(dir.path()).expect("there");
    sync(&mut disk, root, 1);
    assert_eq!(names(&disk), set(&["ab"]));
    let (from, to) = (path(&dir, "b"), path(&dir, "a"));
    disk.step(&Record::Renamed { from, to });
    assert_eq!(names(&disk), set(&["ab", "a"]));
    disk.step(&Record::Removed {
        path: path(&dir, "a"),
    });
    assert_eq!(names(&disk), set(&["ab", "a", ""]));
}
