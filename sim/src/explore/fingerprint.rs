//! What a failure looks like, apart from who, when and how many: two seeds with the same fingerprint fail in the same way.
//! Neighbours: `explore` groups seeds by it, `shrink` keeps it while it takes things away.

use crate::seed::{SeedFailure, SeedRun};
use rehearsal_reports::verdict::{CheckVerdict, Verdict};
use std::collections::BTreeSet;
use std::fmt;

/// The name that stands for a check when a run did not come to its end.
pub const END_OF_RUN: &str = "the run's end";

/// Which check is broken, and the shape of the evidence: its sentence without names and numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint {
    /// The check's name, or [`END_OF_RUN`].
    pub check: String,
    /// The sentence, with `#` for each word that holds a digit.
    pub shape: String,
}

impl Fingerprint {
    /// All failures of a run, without repetition.
    pub fn all_of(run: &SeedRun) -> BTreeSet<Fingerprint> {
        Fingerprint::all(&run.verdicts, run.failure.as_ref())
    }

    /// All failures that verdicts and an end tell of.
    pub fn all(verdicts: &[CheckVerdict], failure: Option<&SeedFailure>) -> BTreeSet<Fingerprint> {
        let broken = verdicts.iter().flat_map(|check| {
            let evidence = match &check.verdict {
                Verdict::Broken { evidence } => evidence.as_slice(),
                _ => &[],
            };
            evidence.iter().map(|one| Fingerprint { check: check.name.clone(), shape: shape(&one.sentence) })
        });
        let end =
            failure.map(|failure| Fingerprint { check: END_OF_RUN.to_owned(), shape: shape(&failure.to_string()) });
        broken.chain(end).collect()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.shape)
    }
}

/// Names of users, rooms and jobs hold digits, and so do times: what is left is the kind of thing that happened. A list of
/// several counts as one, since how many there are is no other kind of failure.
fn shape(sentence: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in sentence.split_whitespace() {
        if !word.contains(|c: char| c.is_ascii_digit()) {
            words.push(word);
            continue;
        }
        match words.as_slice() {
            [.., "#"] => {}
            [.., "#", "and"] => words.truncate(words.len() - 1),
            _ => words.push("#"),
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_times_and_lengths_of_lists_make_no_other_shape() {
        let two = "workers-0 ran clients-0/a1 and clients-1/b2 at once from 1.234 s";
        let three = "workers-7 ran clients-3/c1, clients-0/a1 and clients-1/b2 at once from 12.500 s";
        assert_eq!(shape(two), "# ran # at once from # s");
        assert_eq!(shape(three), shape(two));
    }

    #[test]
    fn what_happened_makes_another_shape() {
        assert_ne!(shape("workers-0 is shown as available at 1 s"), shape("workers-0 is shown as busy at 1 s"));
    }

    #[test]
    fn a_run_that_did_not_come_to_its_end_has_a_fingerprint_of_its_own() {
        let failure = |seed| SeedFailure::Broke { seed, reason: format!("the program of server-{seed} panicked") };
        let of = |seed| Fingerprint::all(&[], Some(&failure(seed)));
        assert_eq!(of(3), of(4));
        assert_eq!(of(3).first().map(|one| one.check.as_str()), Some(END_OF_RUN));
        assert!(Fingerprint::all(&[], None).is_empty());
    }
}
