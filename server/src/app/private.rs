//! Nobody but the server's user reads what lies in a data directory.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use super::StartError;

/// The permissions of a group and of everybody.
const OTHERS: u32 = 0o077;

/// What a data directory holds, and keys beside their master key.
const OWN: [&str; 5] = [
    "carnet.sqlite",
    "keys",
    "serving.lock",
    "starting.lock",
    "keys.sqlite",
];

/// Makes a directory that only its owner can use, or takes from others what they could do in it.
///
/// # Errors
/// [`StartError::Shared`] for one that others can use and that holds other things than a server's:
/// taking it from them might break something else.
pub(super) fn directory(path: &Path) -> Result<(), StartError> {
    let fail = |source| StartError::file(path, source);
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .and_then(|()| std::fs::metadata(path));
    let mode = made.map_err(fail)?.permissions().mode();
    if mode & OTHERS == 0 {
        return Ok(());
    }
    let mut is_empty = true;
    for entry in std::fs::read_dir(path).map_err(fail)? {
        is_empty = false;
        if OWN
            .iter()
            .any(|own| entry.as_ref().is_ok_and(|e| e.file_name() == *own))
        {
            return tighten(path, mode).map_err(fail);
        }
    }
    if is_empty {
        return tighten(path, mode).map_err(fail);
    }
    Err(StartError::Shared {
        path: path.to_owned(),
    })
}

/// Makes a file that only its owner can read, or takes it from others.
pub(super) fn file(path: &Path) -> Result<File, StartError> {
    let opened = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path);
    let fail = |source| StartError::file(path, source);
    let file = opened.map_err(fail)?;
    let mode = file.metadata().map_err(fail)?.permissions().mode();
    if mode & OTHERS != 0 {
        tighten(path, mode).map_err(fail)?;
    }
    Ok(file)
}

/// The same for the files that a SQLite store consists of. One that is not there is made, empty,
/// since the others take their permissions from it.
pub(super) fn store(path: &Path) -> Result<(), StartError> {
    file(path)?;
    for suffix in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        let beside = Path::new(&beside);
        match std::fs::metadata(beside) {
            Ok(metadata) if metadata.permissions().mode() & OTHERS != 0 => {
                tighten(beside, metadata.permissions().mode())
                    .map_err(|source| StartError::file(beside, source))?;
            }
            Err(source) if source.kind() != ErrorKind::NotFound => {
                return Err(StartError::file(beside, source));
            }
            _ => {}
        }
    }
    Ok(())
}

fn tighten(path: &Path, mode: u32) -> std::io::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(mode & 0o700))?;
    tracing::warn!(
        path = %path.display(),
        "others could read this; from now on only its owner can"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        let metadata = std::fs::metadata(path).expect("there");
        metadata.permissions().mode() & 0o777
    }

    fn lax(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("its own");
    }

    #[test]
    fn a_directory_of_the_servers_is_closed_to_others() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let new = dir.path().join("a").join("b");
        directory(&new).expect("made");
        assert_eq!(mode(&new), 0o700);
        lax(&new, 0o755);
        directory(&new).expect("it is empty");
        assert_eq!(mode(&new), 0o700);
        file(&new.join("serving.lock")).expect("made");
        lax(&new, 0o775);
        directory(&new).expect("it is a data directory");
        assert_eq!(mode(&new), 0o700);
    }

    #[test]
    fn a_directory_of_others_is_left_as_it_is() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(dir.path().join("letter"), "").expect("written");
        lax(dir.path(), 0o755);
        let refused = directory(dir.path()).expect_err("shared").to_string();
        assert!(refused.contains("chmod 700"), "{refused}");
        assert_eq!(mode(dir.path()), 0o755);
        lax(dir.path(), 0o700);
        directory(dir.path()).expect("its own");
    }

    #[test]
    fn files_of_a_store_are_closed_to_others() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("keys.sqlite");
        store(&path).expect("made");
        assert_eq!(mode(&path), 0o600);
        let journal = dir.path().join("keys.sqlite-wal");
        std::fs::write(&journal, "").expect("written");
        for path in [&path, &journal] {
            lax(path, 0o664);
        }
        store(&path).expect("its own");
        assert_eq!((mode(&path), mode(&journal)), (0o600, 0o600));
    }
}
