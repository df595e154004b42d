//! Normal forms of many values at once, before anything is written.

use sync_proto::cbor::Normal;
use sync_proto::{ErrorKind, Refusal};

/// The most bytes of the normal forms that one call makes: a part that is shared in a value, or a
/// value that a list repeats, is a few bytes, and there in full in each of them.
pub(super) const NORMALS_MAX: usize = 1 << 28;

/// Returns what there is with its normal forms.
///
/// # Errors
/// `TooLarge` when they are too long together, and the errors of `normalize`.
pub(super) fn with_normals<T>(
    all: impl IntoIterator<Item = T>,
    normalize: impl Fn(&T) -> Result<Normal, Refusal>,
) -> Result<Vec<(Normal, T)>, Refusal> {
    within(NORMALS_MAX, all, normalize)
}

fn within<T>(
    most: usize,
    all: impl IntoIterator<Item = T>,
    normalize: impl Fn(&T) -> Result<Normal, Refusal>,
) -> Result<Vec<(Normal, T)>, Refusal> {
    let mut bytes = 0;
    let keyed = all.into_iter().map(|one| {
        let normal = normalize(&one)?;
        bytes += normal.as_bytes().len();
        if bytes > most {
            return Err(too_long(most));
        }
        Ok((normal, one))
    });
    keyed.collect()
}

/// Says that normal forms are too long together.
pub(super) fn too_long(most: usize) -> Refusal {
    let why = format!(
        "these values take more than {most} bytes in their normal forms, which repeat what the \
         values share: use fewer at a time"
    );
    Refusal::new(ErrorKind::TooLarge, why)
}

#[cfg(test)]
pub(super) mod tests {
    use sync_proto::cbor::tag;
    use sync_proto::{Encoding, Payload};

    use super::*;

    /// A value of a hundred bytes, of which its normal form makes a megabyte.
    pub(crate) fn long() -> Payload {
        let mut bytes = vec![0x8f, 0xd8, tag::SHARED as u8, 0x78, 64];
        bytes.extend([b'x'; 64]);
        for number in 0..14 {
            bytes.extend([0xd8, tag::SHARED as u8, 0x82]);
            bytes.extend([0xd8, tag::REFERENCE as u8, number].repeat(2));
        }
        Payload::new(Encoding::Cbor, bytes.into(), Vec::new())
    }

    #[test]
    fn what_is_short_and_long_in_its_normal_form_is_not_kept_that_often() {
        let long = long();
        let normal = long.normalize_key().unwrap().as_bytes().len();
        assert!(normal > 1000 * long.bytes.len(), "{normal}");
        let few = 3;
        let made = |times| {
            let all = std::iter::repeat_n(&long, times);
            within(few * normal, all, |of| of.normalize_key()).map(|all| all.len())
        };
        assert_eq!(made(few), Ok(few));
        assert_eq!(made(few + 1).unwrap_err().kind, ErrorKind::TooLarge);
    }
}
