//! Tags as a set: by their JSON text, since they may be any JSON. So that neither a merge nor a match compares each tag
//! with each other one. Neighbours: `merge`, `filters`, `peer`.

use serde_json::Value;
use std::collections::BTreeSet;

/// A set of tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tags(BTreeSet<String>);

impl Tags {
    pub(super) fn of(tags: &[Value]) -> Tags {
        // Every JSON value has a text, and this takes less time than the value's own `to_string`.
        Tags(tags.iter().filter_map(|tag| serde_json::to_string(tag).ok()).collect())
    }

    /// Whether any tag is in both; looks each of ours up in the other.
    pub(super) fn share_any(&self, other: &Tags) -> bool {
        self.0.iter().any(|tag| other.0.contains(tag))
    }
}

/// Appends what is not there yet, in its order. `key` is what makes two items the same.
pub(super) fn unite<T, K: Ord>(items: &mut Vec<T>, more: Vec<T>, key: impl Fn(&T) -> K) {
    let mut known: BTreeSet<K> = items.iter().map(&key).collect();
    items.extend(more.into_iter().filter(|item| known.insert(key(item))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::cmp::Ordering;

    thread_local! {
        static COMPARISONS: Cell<u64> = const { Cell::new(0) };
    }

    #[derive(PartialEq, Eq)]
    struct Counted(u32);

    impl Ord for Counted {
        fn cmp(&self, other: &Counted) -> Ordering {
            COMPARISONS.set(COMPARISONS.get() + 1);
            self.0.cmp(&other.0)
        }
    }

    impl PartialOrd for Counted {
        fn partial_cmp(&self, other: &Counted) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    #[test]
    fn uniting_many_tags_compares_each_with_few() {
        let mut items: Vec<u32> = (0..10_000).collect();
        unite(&mut items, (5_000..20_000).collect(), |item| Counted(*item));
        assert_eq!(items, (0..20_000).collect::<Vec<u32>>());
        // Pairwise it would be a hundred million.
        assert!(COMPARISONS.get() < 25_000 * 40, "{}", COMPARISONS.get());
    }

    #[test]
    fn a_tag_is_the_same_only_with_the_same_type() {
        let tags = |json: &str| Tags::of(&serde_json::from_str::<Vec<Value>>(json).unwrap());
        assert!(tags(r#"["a", 1]"#).share_any(&tags(r#"[1, 2]"#)));
        assert!(!tags(r#"["1"]"#).share_any(&tags("[1]")));
        assert!(!tags("[]").share_any(&tags("[]")));
    }
}
