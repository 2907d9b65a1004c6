//! The scenario files that come with the program, by name.

/// Declares the files once: the name is the file's.
macro_rules! library {
    ($($name:literal),* $(,)?) => {
        const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../files/", $name, ".toml")))),*];
    };
}

library!["two_clients_race_for_one_worker",];

/// Names of all embedded scenarios, the flagship first.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// The text of an embedded scenario.
pub fn get(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
