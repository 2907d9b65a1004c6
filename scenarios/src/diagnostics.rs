//! What is wrong with a scenario file, the way a compiler says it: where, what was found, what was expected, the
//! nearest valid name, a hint. All faults of a file at once, as text for people and as data for programs.
//!
//! Neighbours: `language` collects faults while it reads, `source` knows lines and columns. Left out: where the file
//! came from; the caller names the path.

use crate::source::{Excerpt, Source};
use serde::Serialize;
use std::fmt;
use std::ops::Range;

/// Most faults that are listed; the rest is counted.
const LISTED_MAX: usize = 100;

/// Longest label that stands beside the caret; longer ones have lines of their own.
const LABEL_WIDTH_MAX: usize = 60;

/// Width of those lines.
const NOTE_WIDTH_MAX: usize = 100;

/// One fault of a scenario file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// What the file says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What it should say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The nearest valid name, if one is near.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    #[serde(skip)]
    excerpt: Option<Excerpt>,
}

/// All faults of one file; never empty. `Display` is the text for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct Diagnostics {
    /// Version of this form.
    format: u32,
    /// The file as the caller names it.
    pub file: String,
    /// The faults in the order of the file.
    pub faults: Vec<Diagnostic>,
    /// Further faults that are not listed.
    pub more: usize,
}

impl Diagnostics {
    pub(crate) fn new(name: &str, source: &Source<'_>, mut faults: Vec<Fault>) -> Diagnostics {
        faults.sort_by(|a, b| (a.span.start, a.span.end, &a.message).cmp(&(b.span.start, b.span.end, &b.message)));
        faults.dedup();
        let more = faults.len().saturating_sub(LISTED_MAX);
        faults.truncate(LISTED_MAX);
        let faults = faults.into_iter().map(|fault| fault.locate(source)).collect();
        Diagnostics { format: 1, file: format!("{name}.toml"), faults, more }
    }

    /// The same faults, with the file named by this path.
    #[must_use]
    pub fn at_path(mut self, path: impl Into<String>) -> Diagnostics {
        self.file = path.into();
        self
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.faults {
            fault.write(f, &self.file)?;
            writeln!(f)?;
        }
        let count = self.faults.len() + self.more;
        let faults = if count == 1 { "fault" } else { "faults" };
        if self.more > 0 {
            writeln!(f, "{}: {count} {faults}, {} not shown", self.file, self.more)
        } else {
            writeln!(f, "{}: {count} {faults}", self.file)
        }
    }
}

impl Diagnostic {
    fn write(&self, f: &mut fmt::Formatter<'_>, file: &str) -> fmt::Result {
        writeln!(f, "error: {}", self.message)?;
        let gutter = self.line.to_string().len();
        writeln!(f, "{:gutter$}--> {file}:{}:{}", "", self.line, self.column)?;
        let label = self.label();
        let is_short = label.chars().count() <= LABEL_WIDTH_MAX;
        if let Some(excerpt) = &self.excerpt {
            writeln!(f, "{:gutter$} |", "")?;
            writeln!(f, "{} | {}", self.line, excerpt.text)?;
            let caret = format!("{:skip$}{:^<width$}", "", "", skip = excerpt.skip, width = excerpt.width);
            let beside = if is_short { label.as_str() } else { "" };
            writeln!(f, "{:gutter$} | {}", "", format!("{caret} {beside}").trim_end())?;
        }
        if !label.is_empty() && (self.excerpt.is_none() || !is_short) {
            write_wrapped(f, gutter, &label)?;
        }
        if let Some(nearest) = &self.nearest {
            writeln!(f, "{:gutter$} = help: did you mean `{nearest}`?", "")?;
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "{:gutter$} = help: {hint}", "")?;
        }
        Ok(())
    }

    fn label(&self) -> String {
        match (&self.expected, &self.found) {
            (Some(expected), Some(found)) => format!("expected {expected}, found {found}"),
            (Some(expected), None) => format!("expected {expected}"),
            (None, Some(found)) => format!("found {found}"),
            (None, None) => String::new(),
        }
    }
}

/// A fault while it is collected: a place in bytes, and words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    span: Range<usize>,
    message: String,
    found: Option<String>,
    expected: Option<String>,
    nearest: Option<String>,
    hint: Option<String>,
}

impl Fault {
    pub(crate) fn new(span: &Range<usize>, message: impl Into<String>) -> Fault {
        Fault { span: span.clone(), message: message.into(), found: None, expected: None, nearest: None, hint: None }
    }

    pub(crate) fn found(mut self, found: impl Into<String>) -> Fault {
        self.found = Some(found.into());
        self
    }

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Fault {
        self.expected = Some(expected.into());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Fault {
        self.hint = Some(hint.into());
        self
    }

    /// Looks for the valid name that the author probably meant, and lists all of them as expected.
    pub(crate) fn among<'n>(mut self, name: &str, valid: impl IntoIterator<Item = &'n str>) -> Fault {
        let valid: Vec<&str> = valid.into_iter().collect();
        self.nearest = nearest(name, &valid).map(str::to_owned);
        if self.expected.is_none() && !valid.is_empty() {
            self.expected = Some(one_of(&valid));
        }
        self
    }

    fn locate(self, source: &Source<'_>) -> Diagnostic {
        let (line, column) = source.position(self.span.start);
        let clean = |words: Option<String>| words.map(|words| printable(&words));
        Diagnostic {
            line,
            column,
            excerpt: source.excerpt(&self.span),
            message: printable(&self.message),
            found: clean(self.found),
            expected: clean(self.expected),
            nearest: clean(self.nearest),
            hint: clean(self.hint),
        }
    }
}

/// Names from the file stand in messages, and control characters of a file must not reach a terminal.
fn printable(words: &str) -> String {
    words.chars().map(crate::source::printable).collect()
}

/// The faults found so far.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn extend(&mut self, other: Faults) {
        self.0.extend(other.0);
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Of several faults where something was filled in only the first, since the others follow from it; it says that what
    /// it found is not what is written there. None of those where something could not be filled in, which was told before.
    pub(crate) fn explain_filled(&mut self, places: &[Range<usize>], hollow: &[Range<usize>]) {
        let mut seen: Vec<Range<usize>> = Vec::new();
        self.0.retain_mut(|fault| {
            let follows = seen.contains(&fault.span) || hollow.contains(&fault.span);
            if places.contains(&fault.span) {
                seen.push(fault.span.clone());
                fault.hint.get_or_insert_with(|| "this is what a parameter was filled in with: `[params]`".to_owned());
            }
            !follows
        });
    }

    pub(crate) fn into_vec(self) -> Vec<Fault> {
        self.0
    }
}

/// `a`, `a or b`, `one of a, b, c`, each in back-ticks.
pub(crate) fn one_of(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [one] => one.clone(),
        [one, other] => format!("{one} or {other}"),
        _ => format!("one of {}", quoted.join(", ")),
    }
}

/// A note that may be too long for one line.
fn write_wrapped(f: &mut fmt::Formatter<'_>, gutter: usize, text: &str) -> fmt::Result {
    let mut lead = "= ";
    let mut line = String::new();
    for word in text.split(' ') {
        if line.chars().count() + word.chars().count() > NOTE_WIDTH_MAX {
            writeln!(f, "{:gutter$} {lead}{}", "", line.trim_end())?;
            line.clear();
            lead = "  ";
        }
        line.push_str(word);
        line.push(' ');
    }
    writeln!(f, "{:gutter$} {lead}{}", "", line.trim_end())
}

fn nearest<'n>(name: &str, valid: &[&'n str]) -> Option<&'n str> {
    let name = name.to_lowercase();
    let alike = valid
        .iter()
        .map(|candidate| (strsim::jaro_winkler(&name, candidate), *candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate);
    crate::synonyms::meant(&name, valid).or(alike)
}
