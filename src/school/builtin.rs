//! The profiles that the program brings along.

/// Name and text of each, in the order of `school list`.
const PROFILES: [(&str, &str); 3] = [
    ("hpu-urp", include_str!("profiles/hpu-urp.toml")),
    ("hpu", include_str!("profiles/hpu.toml")),
    ("demo-zf", include_str!("profiles/demo-zf.toml")),
];

/// The names.
pub const NAMES: [&str; 3] = [PROFILES[0].0, PROFILES[1].0, PROFILES[2].0];

/// The text of the profile called `name`.
#[must_use]
pub fn text(name: &str) -> Option<&'static str> {
    PROFILES.iter().find_map(|(known, text)| (*known == name).then_some(*text))
}
