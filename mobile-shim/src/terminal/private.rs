//! What lies in a phone's folder is its owner's alone: the keys of the passkeys are among it.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// The beginnings of the names of what a phone puts into its folder.
const OWN: [&str; 4] = [
    "carnet.sqlite",
    "terminal.json",
    "test-authenticator.cbor",
    "file-vault",
];

fn is_own(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    OWN.iter().any(|own| name.starts_with(own))
}

/// Makes a phone's folder, or takes it from others if nothing but a phone is in it. What lies there
/// already is closed to them in any case.
///
/// # Errors
/// When the folder cannot be made, read or closed.
pub fn folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let mut is_a_phones = true;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match is_own(&entry.file_name()) {
            true => close(&entry.path())?,
            false => is_a_phones = false,
        }
    }
    if is_a_phones {
        close(folder)?;
    }
    Ok(())
}

/// Writes a file that only its owner can read, in place of an earlier one.
///
/// # Errors
/// When it cannot be written; the earlier one is as it was then.
pub fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    let new = Path::new(&new);
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut written = options.open(new)?;
    close(new)?;
    written.write_all(bytes)?;
    written.sync_all()?;
    fs::rename(new, file)
}

/// Takes from others what they could do with a file or folder. A link is left alone: what it leads
/// to is not the phone's.
#[cfg(unix)]
fn close(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = fs::symlink_metadata(path)?;
    let mode = metadata.permissions().mode();
    if metadata.is_symlink() || mode & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700))
}

#[cfg(not(unix))]
fn close(_: &Path) -> io::Result<()> {
    Ok(())
}
