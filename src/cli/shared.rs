//! Arguments that several commands take: files, settings, forms of output, durations.

use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Where scenarios come from.
#[derive(Debug, Args)]
pub struct Files {
    /// Scenario files, folders of them, or names of embedded scenarios; those that rehearsal.toml names if left out.
    #[arg(value_name = "FILE")]
    pub files: Vec<String>,
}

/// What is filled into the scenario.
#[derive(Clone, Debug, Default, Args)]
pub struct Settings {
    /// Gives a parameter of the file another value (repeatable), such as clients=500.
    #[arg(long, value_name = "NAME=VALUE", value_parser = rehearsal_scenarios::setting)]
    pub set: Vec<(String, serde_json::Value)>,
    /// Only this variant of the file; all of them, or the first where there can be only one.
    #[arg(long, value_name = "NAME")]
    pub variant: Option<String>,
}

/// How results are given out.
#[derive(Debug, Args)]
pub struct Output {
    /// Form of the results on stdout.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Also write JUnit XML to this file.
    #[arg(long, value_name = "PATH")]
    pub junit: Option<PathBuf>,
    /// Also write Markdown for a pull request to this file.
    #[arg(long, value_name = "PATH")]
    pub markdown: Option<PathBuf>,
    /// Folder for records; `runs` by default.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Show no progress.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Form of the results on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One object per file and line, for scripts.
    Json,
}

/// The verdict that is expected, in place of the file's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Expect {
    /// Every check holds.
    Holds,
    /// At least one check is broken.
    Broken,
}

/// A duration such as 250ms, 5s, 10m or 2h.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        _ => return Err("expected a number with a unit, such as 250ms, 5s, 10m or 2h".to_owned()),
    };
    let number: f64 = number.parse().map_err(|_| "expected a number before the unit, such as 5s".to_owned())?;
    let total = number * seconds;
    if total > 0.0 && total < 1e8 {
        Ok(Duration::from_secs_f64(total))
    } else {
        Err("expected more than nothing and less than three years".to_owned())
    }
}

/// As [`duration`], or nothing at all.
pub(crate) fn duration_or_none(text: &str) -> Result<Duration, String> {
    if text == "0s" { Ok(Duration::ZERO) } else { duration(text) }
}

/// A step of the turmoil engine: hosts see each other's messages at its ends, so that a long one stands still for users.
pub(super) fn tick(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        tick if (Duration::from_millis(1)..=Duration::from_secs(1)).contains(&tick) => Ok(tick),
        _ => Err("expected a tick from 1ms to 1s".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_and_a_positive_number() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7_200)));
        for rubbish in ["", "5", "s", "-1s", "0s", "1e300s", "..s", "5 parsecs"] {
            assert!(duration(rubbish).is_err(), "{rubbish}");
        }
    }
}
