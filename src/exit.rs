//! Exit codes: what a script learns from a run, and which of several applies. The table stands in README.md.

use std::process::ExitCode;

/// How the program ends. Ordered as declared: of several, the first one applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Somebody pressed Ctrl-C.
    Interrupted,
    /// Bad arguments or scenario, or something that this engine or deployment cannot play.
    Usage,
    /// The target cannot be reached or refuses us.
    Unreachable,
    /// The simulation was not deterministic.
    NotDeterministic,
    /// A check is broken where it should hold, or holds where it was expected to break.
    Unexpected,
    /// It cannot be judged: generator invalid, too few samples, a check unknown.
    CannotJudge,
    /// A threshold is missed.
    ThresholdMissed,
    /// Everything is as expected.
    Expected,
}

impl Exit {
    /// The code that the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Exit::Interrupted => 130,
            Exit::Usage => 2,
            Exit::Unreachable => 5,
            Exit::NotDeterministic => 7,
            Exit::Unexpected => 1,
            Exit::CannotJudge => 4,
            Exit::ThresholdMissed => 3,
            Exit::Expected => 0,
        }
    }

    /// What a process that ended with this code meant.
    pub fn of_code(code: u8) -> Exit {
        let all = [
            Exit::Interrupted,
            Exit::Unreachable,
            Exit::NotDeterministic,
            Exit::Unexpected,
            Exit::CannotJudge,
            Exit::ThresholdMissed,
            Exit::Expected,
        ];
        all.into_iter().find(|exit| exit.code() == code).unwrap_or(Exit::Usage)
    }

    /// The code in words, for the closing line.
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Interrupted => "interrupted",
            Exit::Usage => "bad arguments or scenario",
            Exit::Unreachable => "the target cannot be reached or refuses us",
            Exit::NotDeterministic => "the simulation was not deterministic",
            Exit::Unexpected => "not the expected verdict",
            Exit::CannotJudge => "cannot be judged",
            Exit::ThresholdMissed => "a threshold is missed",
            Exit::Expected => "the expected verdict",
        }
    }

    /// Of several, the one that the process ends with.
    pub fn worst(of: impl IntoIterator<Item = Exit>) -> Exit {
        of.into_iter().min().unwrap_or(Exit::Expected)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// An error that ends a command: a lower-case sentence, a hint, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// How the program ends.
    pub exit: Exit,
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: String,
    /// The message is a listing that brings its own `error:` lines and hints.
    is_listing: bool,
}

impl Failure {
    /// Bad arguments, a bad file, or something that cannot be played.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, message, hint)
    }

    /// Any other end.
    pub fn new(exit: Exit, message: impl Into<String>, hint: impl Into<String>) -> Failure {
        Failure { exit, message: message.into(), hint: hint.into(), is_listing: false }
    }

    /// Diagnostics that say `error:` and their hints themselves.
    pub fn listed(exit: Exit, listing: impl Into<String>) -> Failure {
        Failure { exit, message: listing.into(), hint: String::new(), is_listing: true }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_listing {
            return f.write_str(&self.message);
        }
        write!(f, "error: {}", self.message)?;
        if !self.hint.is_empty() {
            write!(f, "\n  hint: {}", self.hint)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit::{self, *};

    #[test]
    fn of_several_codes_the_first_of_the_documented_order_applies() {
        let order =
            [Interrupted, Usage, Unreachable, NotDeterministic, Unexpected, CannotJudge, ThresholdMissed, Expected];
        for (index, first) in order.iter().enumerate() {
            assert_eq!(Exit::worst(order[index..].iter().rev().copied()), *first);
        }
        assert_eq!(Exit::worst([]), Expected);
    }
}
