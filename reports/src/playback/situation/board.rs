//! What is told of the state: facts by section and name, and which of them changed since somebody last asked.

use super::{Section, Tone};
use crate::playback::{Change, FactName};
use std::collections::{BTreeMap, BTreeSet};

type Told = Option<(String, Tone)>;

/// All facts: each has what is true now and what was told of it last.
#[derive(Default)]
pub(super) struct Board {
    numbers: BTreeMap<(Section, String), usize>,
    now: Vec<Told>,
    told: Vec<Told>,
    touched: BTreeSet<usize>,
}

impl Board {
    /// This is true now.
    pub(super) fn set(&mut self, section: Section, name: &str, text: String, tone: Tone) {
        self.put(section, name, Some((text, tone)));
    }

    /// There is nothing to say any more.
    pub(super) fn clear(&mut self, section: Section, name: &str) {
        self.put(section, name, None);
    }

    fn put(&mut self, section: Section, name: &str, fact: Told) {
        let next = self.now.len();
        let number = *self.numbers.entry((section, name.to_owned())).or_insert(next);
        if number == next {
            self.now.push(None);
            self.told.push(None);
        }
        self.now[number] = fact;
        self.touched.insert(number);
    }

    /// What changed since this was last called.
    pub(super) fn take(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        for fact in std::mem::take(&mut self.touched) {
            if self.now[fact] == self.told[fact] {
                continue;
            }
            self.told[fact].clone_from(&self.now[fact]);
            let (text, tone) = self.now[fact].clone().map_or((None, Tone::Plain), |(text, tone)| (Some(text), tone));
            changes.push(Change { fact, text, tone });
        }
        changes
    }

    /// The names of the facts that these changes are about, in the order in which they are shown; the changes refer to them.
    pub(super) fn name_facts<'c>(self, changes: impl Iterator<Item = &'c mut Change>) -> Vec<FactName> {
        let changes: Vec<&mut Change> = changes.collect();
        let used: BTreeSet<usize> = changes.iter().map(|change| change.fact).collect();
        let shown = self.numbers.into_iter().filter(|(_, number)| used.contains(number));
        let mut places = BTreeMap::new();
        let mut names = Vec::new();
        for ((section, name), number) in shown {
            places.insert(number, names.len());
            names.push(FactName { section, name });
        }
        for change in changes {
            change.fact = places.get(&change.fact).copied().unwrap_or_default();
        }
        names
    }
}
