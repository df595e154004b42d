//! Files that hold a key.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use sync_proto::{AuthKey, Error, ErrorKind, KEY_FILE_MAX, KEY_MIN};
use zeroize::Zeroizing;

/// Reads a key from a file that only its owner can read or write; white space at its end is
/// ignored.
///
/// # Errors
/// [`ErrorKind::Io`] when it cannot be read; [`ErrorKind::InvalidInput`] when anybody but its
/// owner may read or write it, or when it holds no key.
pub fn read_key(path: impl AsRef<Path>) -> Result<AuthKey, Error> {
    let path = path.as_ref();
    let key = AuthKey::from_file(path, |bytes| {
        // Of the file that is read, whatever the path names by then.
        let file = File::open(path)?;
        let mode = file.metadata()?.mode();
        file.take(KEY_FILE_MAX as u64 + 1).read_to_end(bytes)?;
        Ok::<_, io::Error>(mode)
    });
    Ok(key?)
}

/// Makes a new key, 32 random bytes as hexadecimal digits, and writes it to a new file that only
/// its owner can read or write (mode 0600).
///
/// # Errors
/// [`ErrorKind::Exists`] when the file exists, and is left as it is; [`ErrorKind::Io`] when it
/// cannot be written.
pub fn write_new_key(path: impl AsRef<Path>) -> Result<(), Error> {
    let path = path.as_ref();
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            let why = format!("{} exists: a key is not overwritten", path.display());
            Error::new(ErrorKind::Exists, why)
        }
        _ => {
            let why = format!("the key file {} cannot be written: {error}", path.display());
            Error::new(ErrorKind::Io, why)
        }
    };
    let mut bytes = Zeroizing::new([0; KEY_MIN]);
    getrandom::fill(&mut *bytes).map_err(|error| failed(io::Error::other(error)))?;
    let mut text = Zeroizing::new(String::with_capacity(2 * KEY_MIN + 1));
    for byte in *bytes {
        for digit in [byte >> 4, byte & 0xf] {
            text.extend(char::from_digit(digit.into(), 16));
        }
    }
    text.push('\n');
    let mut options = File::options();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_key_is_its_owners_alone_is_read_back_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
        write_new_key(&first).unwrap();
        write_new_key(&second).unwrap();
        assert_eq!(fs::metadata(&first).unwrap().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&first).unwrap();
        assert_eq!(text.len(), 65, "64 digits and the end of the line");
        assert_ne!(text, fs::read_to_string(&second).unwrap());
        let key = read_key(&first).unwrap();
        assert_eq!(key.to_hex(), AuthKey::new(text.clone()).unwrap().to_hex());
        let error = write_new_key(&first).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exists);
        assert_eq!(fs::read_to_string(&first).unwrap(), text);
    }

    #[test]
    fn a_file_that_others_can_read_or_that_holds_no_key_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let refused = |mode: u32, text: &str| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read_key(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.message().contains(path.to_str().unwrap()), "{error}");
            error.message().to_owned()
        };
        assert!(refused(0o644, "secret").contains("chmod 600"));
        assert!(refused(0o640, "secret").contains("mode 640"));
        assert!(refused(0o600, "\n").contains("empty"));
        assert!(refused(0o600, &"x".repeat(5000)).contains("4096"));
        assert_eq!(read_key(folder.path().join("none")).unwrap_err().kind(), ErrorKind::Io);
    }
}
