use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{KeyError, SealingKey, sealing::mac};

/// What a master key file begins with.
const HEADER: &str = "carnet-master-key-1 ";

/// The operator's key, which wraps the others.
#[derive(Clone)]
pub(super) struct Master {
    pub(super) generation: i64,
    pub(super) key: SealingKey,
}

/// What the key store keeps to recognise a master key by; tells nothing of it.
pub(super) fn check_value(key: &SealingKey) -> [u8; 32] {
    mac(&key.0, &[b"carnet/master-check/1"])
}

/// The key in a file, or none if there is no file.
///
/// # Errors
/// [`KeyError::MasterShared`] if others can read or change the file. It is not closed silently:
/// somebody may have read it.
pub(super) fn read(path: &Path) -> Result<Option<SealingKey>, KeyError> {
    let mut text = Zeroizing::new(String::new());
    let read = |mut file: File| {
        let metadata = file.metadata()?;
        file.read_to_string(&mut text)?;
        Ok(metadata)
    };
    match File::open(path).and_then(read) {
        Ok(metadata) if is_shared(metadata.mode(), metadata.uid()) => {
            return Err(KeyError::MasterShared {
                path: path.to_owned(),
                mode: metadata.mode() & 0o777,
            });
        }
        Ok(_) => {}
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(KeyError::File {
                path: path.to_owned(),
                source,
            });
        }
    }
    text.trim_end()
        .strip_prefix(HEADER)
        .and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded).ok().map(Zeroizing::new))
        .and_then(|bytes| SealingKey::from_slice(&bytes))
        .map(Some)
        .ok_or_else(|| KeyError::MasterMalformed {
            path: path.to_owned(),
        })
}

/// Whether others than its owner can use a file. Where root gives it to a server that runs as
/// somebody else (systemd's `LoadCredential`), the bits of the group are those of an access list
/// that names the server, and only everybody's count.
fn is_shared(mode: u32, owner: u32) -> bool {
    let given = owner == 0 && !rustix::process::geteuid().is_root();
    mode & if given { 0o027 } else { 0o077 } != 0
}

/// Writes a new file that only its owner can read, and makes it durable. Refuses to overwrite.
pub(super) fn write(path: &Path, key: &SealingKey) -> Result<(), KeyError> {
    let text = Zeroizing::new(format!("{HEADER}{}\n", URL_SAFE_NO_PAD.encode(*key.0)));
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| sync_directory(path))
        .map_err(|source| KeyError::File {
            path: path.to_owned(),
            source,
        })
}

/// Where a rotation keeps the next key until the store has taken it.
pub(super) fn next_path(path: &Path) -> PathBuf {
    with_suffix(path, "next")
}

/// Where the file of a retired key is kept.
pub(super) fn retired_path(path: &Path, generation: i64) -> PathBuf {
    with_suffix(path, &format!("retired-{generation}"))
}

/// Puts the next key's file in the place of the one before, which is kept under its generation's
/// name. Two processes may do this at once: whatever the other has done already is left as it is.
pub(super) fn promote(path: &Path, retired: i64) -> Result<(), KeyError> {
    let unless = |done: ErrorKind, result: std::io::Result<()>| match result {
        Err(e) if e.kind() == done => Ok(()),
        other => other,
    };
    let kept = match std::fs::hard_link(path, retired_path(path, retired)) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        other => unless(ErrorKind::AlreadyExists, other),
    };
    kept.and_then(|()| unless(ErrorKind::NotFound, std::fs::rename(next_path(path), path)))
        .and_then(|()| sync_directory(path))
        .map_err(|source| KeyError::File {
            path: path.to_owned(),
            source,
        })
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// A new name in a directory is durable once the directory is.
fn sync_directory(path: &Path) -> std::io::Result<()> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
