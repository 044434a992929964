//! Where keys are kept: the platform's keystore on a phone, a file for the terminal.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// Why the vault gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum VaultError {
    /// The person, or the platform for them, said no: not verified, screen locked.
    #[error("the vault stays closed")]
    Denied,
    /// The vault does not work.
    #[error("the vault does not work")]
    Broken,
}

impl From<uniffi::UnexpectedUniFFICallbackError> for VaultError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        VaultError::Broken
    }
}

/// Keeps small secrets for Carnet; the app implements it over the platform's keystore (Android
/// Keystore, iOS Keychain *this device only*), so that they leave neither the device nor its
/// backups.
///
/// Names are `store`, `install`, and `profile/…` once a profile. A vault that the platform guards
/// asks for whoever unlocks the device; who of several people on it is there only a passkey says
/// ([`crate::Carnet::unlock_start`]).
#[uniffi::export(with_foreign)]
pub trait KeyVault: Send + Sync {
    /// Keeps a secret durably, in place of an earlier one of this name.
    fn keep(&self, name: String, secret: Vec<u8>) -> Result<(), VaultError>;
    /// The secret of this name, if there is one.
    fn give(&self, name: String) -> Result<Option<Vec<u8>>, VaultError>;
    /// Forgets a secret for good.
    fn forget(&self, name: String) -> Result<(), VaultError>;
}

/// A vault of plain files, readable by their owner alone. For terminals and tests: it protects
/// from other users of the machine, not from whoever takes the disk.
#[derive(Debug)]
pub struct FileVault(PathBuf);

impl FileVault {
    /// A vault in a folder, which is made if need be.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        fs::create_dir_all(&folder)?;
        restrict(&folder, 0o700)?;
        Ok(FileVault(folder))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name.replace('/', "-"))
    }

    fn write(&self, name: &str, secret: &[u8]) -> io::Result<()> {
        use io::Write as _;
        let (path, new) = (self.path(name), self.path(&format!("{name}.new")));
        let mut file = fs::File::create(&new)?;
        restrict(&new, 0o600)?;
        file.write_all(secret)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        fs::File::open(&self.0)?.sync_all()
    }
}

impl KeyVault for FileVault {
    fn keep(&self, name: String, secret: Vec<u8>) -> Result<(), VaultError> {
        self.write(&name, &secret).map_err(|_| VaultError::Broken)
    }

    fn give(&self, name: String) -> Result<Option<Vec<u8>>, VaultError> {
        match fs::read(self.path(&name)) {
            Ok(secret) => Ok(Some(secret)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(_) => Err(VaultError::Broken),
        }
    }

    fn forget(&self, name: String) -> Result<(), VaultError> {
        match fs::remove_file(self.path(&name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(VaultError::Broken),
            _ => Ok(()),
        }
    }
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn restrict(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_vault_keeps_gives_and_forgets() {
        let folder = tempfile::tempdir().unwrap();
        let vault = FileVault::open(folder.path().join("vault")).unwrap();
        let name = || "profile/1".to_owned();
        assert_eq!(vault.give(name()), Ok(None));
        vault.keep(name(), vec![1]).unwrap();
        vault.keep(name(), vec![2]).unwrap();
        assert_eq!(vault.give(name()), Ok(Some(vec![2])));
        vault.forget(name()).unwrap();
        vault.forget(name()).unwrap();
        assert_eq!(vault.give(name()), Ok(None));
    }
}
