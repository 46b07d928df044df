//! The profile of a school in a file of its own, removed in the end.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

/// The file.
pub struct SchoolFile(PathBuf);

impl SchoolFile {
    /// Writes a profile.
    pub fn write(profile: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wehpu-school-{}-{number}.toml", std::process::id()));
        fs::write(&path, profile).unwrap();
        Self(path)
    }

    /// Its path.
    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for SchoolFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
