//! Metadata that many peers say alike, kept once: a group of users introduces itself with the same words, and fifty thousand
//! copies would be a large part of what a check keeps. Neighbour: `acknowledged_status_is_seen`.

use serde_json::Value;
use std::sync::Arc;

/// So many are looked through; peers who all say something else keep their own.
const KEPT_MAX: usize = 16;

/// What was said lately.
#[derive(Default)]
pub struct Alike(Vec<Arc<Value>>);

impl Alike {
    /// The same value, the one that is kept if it was said lately.
    pub fn share(&mut self, value: &Arc<Value>) -> Arc<Value> {
        if let Some(known) = self.0.iter().find(|known| *known == value) {
            return known.clone();
        }
        if self.0.len() >= KEPT_MAX {
            self.0.remove(0);
        }
        self.0.push(value.clone());
        value.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_same_words_are_kept_once_and_others_come_and_go() {
        let mut alike = Alike::default();
        let of = |n: usize| Arc::new(json!({ "properties": { "n": n } }));
        let first = alike.share(&of(0));
        assert!(Arc::ptr_eq(&first, &alike.share(&of(0))));
        assert!(!Arc::ptr_eq(&first, &alike.share(&of(1))));
        (2..1_000).for_each(|n| drop(alike.share(&of(n))));
        assert!(alike.0.len() <= KEPT_MAX && *alike.share(&of(0)) == *first);
    }
}
