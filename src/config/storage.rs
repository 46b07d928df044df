//! Where files are stored, and how much space they may take.

use super::{Reader, Storage};

/// Default limit of all files in the database, in bytes: a tenth of a 20 GB disk.
const GRIDFS_QUOTA: u64 = 2 * 1024 * 1024 * 1024;

/// The problem with any address but `gridfs:` when the program was built without the cargo feature.
const NO_OBJECT_STORAGE: &str = "must be gridfs:, since this program was built without the cargo feature object-storage (docs/OPERATIONS.md, Files)";

pub(super) fn storage(r: &mut Reader) -> Option<Storage> {
    let url = address(r);
    let quota = r.optional("WEHPU_STORAGE_QUOTA", bytes);
    let per_account = r.required("WEHPU_STORAGE_PER_ACCOUNT", bytes);
    let url = url?;
    let quota = quota.unwrap_or_else(|| (url == "gridfs:").then_some(GRIDFS_QUOTA));
    Some(Storage { url, quota, per_account: per_account? })
}

pub(super) fn address(r: &mut Reader) -> Option<String> {
    r.optional("WEHPU_STORAGE_URL", |v| {
        let known = v == "gridfs:"
            || ["file:///", "s3://", "oss://"].iter().any(|scheme| v.len() > scheme.len() && v.starts_with(scheme));
        if known && v != "gridfs:" && !cfg!(feature = "object-storage") {
            Err(NO_OBJECT_STORAGE.to_owned())
        } else if known {
            Ok(v.to_owned())
        } else {
            Err("must be gridfs:, file:///path, s3://bucket or oss://bucket".to_owned())
        }
    })
}

/// A number of bytes, perhaps with a unit; `None` for `off`.
pub(super) fn bytes(v: &str) -> Result<Option<u64>, String> {
    const UNITS: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    if v == "off" {
        return Ok(None);
    }
    let unit = UNITS.iter().find_map(|(unit, size)| Some((v.strip_suffix(unit)?, *size)));
    let (number, size) = unit.unwrap_or((v, 1));
    let number = number.trim();
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    // The database counts in 64 bits with a sign.
    let bytes = number.parse::<u64>().ok().filter(|_| digits).and_then(|number| number.checked_mul(size));
    match bytes.filter(|bytes| (1..=i64::MAX as u64).contains(bytes)) {
        Some(bytes) => Ok(Some(bytes)),
        None => Err("must be a number of bytes such as 200MiB or 2GiB, or off".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Option<Storage> {
        storage(&mut Reader::new(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))))
    }

    #[test]
    fn the_database_is_bounded_unless_told_otherwise() {
        assert_eq!(read(&[]).unwrap().quota, Some(2 << 30));
        assert_eq!(read(&[("WEHPU_STORAGE_QUOTA", "off")]).unwrap().quota, None);
        assert_eq!(read(&[]).unwrap().per_account, Some(200 << 20));
    }

    #[test]
    #[cfg(feature = "object-storage")]
    fn a_bucket_is_bounded_when_told_so() {
        assert_eq!(read(&[("WEHPU_STORAGE_URL", "s3://files")]).unwrap().quota, None);
        let bounded = [("WEHPU_STORAGE_URL", "s3://files"), ("WEHPU_STORAGE_QUOTA", "5 GiB")];
        assert_eq!(read(&bounded).unwrap().quota, Some(5 << 30));
    }

    #[test]
    #[cfg(not(feature = "object-storage"))]
    fn a_program_without_buckets_says_how_to_get_one_with_them() {
        let mut reader = Reader::new([("WEHPU_STORAGE_URL".to_owned(), "s3://files".to_owned())]);
        assert!(storage(&mut reader).is_none());
    }

    #[test]
    fn sizes_are_numbers_with_a_unit_or_none() {
        assert_eq!(bytes("700"), Ok(Some(700)));
        assert_eq!(bytes("3KiB"), Ok(Some(3072)));
        for text in ["", "0", "-1", "+1", "1.5GiB", "GiB", "2GB", "99999999999GiB", "off off"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
