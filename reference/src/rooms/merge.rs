//! How an update changes the metadata of a peer: tags are united, properties override key by key, everything that is not
//! mentioned stays (change proposal for version 2, "Merge Logic"). An update never loses a key.

use super::tags::unite;
use crate::protocol::Metadata;
use serde_json::Value;

/// The metadata after the update.
pub(super) fn merged(current: &Metadata, update: Metadata) -> Metadata {
    let mut merged = current.clone();
    for (key, new) in update.0 {
        match (merged.0.get_mut(&key), new) {
            (Some(Value::Array(tags)), Value::Array(more)) if key == "tags" => unite(tags, more, Value::to_string),
            (Some(Value::Object(properties)), Value::Object(more)) if key == "properties" => properties.extend(more),
            (_, new) => {
                merged.0.insert(key, new);
            }
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn metadata(value: Value) -> Metadata {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn tags_are_united_and_properties_override_key_by_key() {
        let current = metadata(json!({ "tags": ["a", "b"], "properties": { "status": "available", "gpu": 8 } }));
        let update = metadata(json!({ "tags": ["b", "c"], "properties": { "status": "busy" }, "note": 1 }));
        let after = json!({ "tags": ["a", "b", "c"], "properties": { "status": "busy", "gpu": 8 }, "note": 1 });
        assert_eq!(merged(&current, update), metadata(after));
    }

    #[test]
    fn a_property_set_to_null_stays_as_null() {
        let current = metadata(json!({ "properties": { "current_job_id": "j" } }));
        let update = metadata(json!({ "properties": { "current_job_id": null } }));
        assert_eq!(merged(&current, update).property("current_job_id"), Some(&Value::Null));
    }

    #[test]
    fn a_peer_of_version_1_gains_what_the_update_says() {
        let update = metadata(json!({ "tags": ["a"], "properties": { "x": 1 } }));
        assert_eq!(merged(&Metadata::default(), update.clone()), update);
    }

    fn any_metadata() -> impl Strategy<Value = Metadata> {
        let tags = proptest::collection::btree_set("[a-e]", 0..4);
        let properties = proptest::collection::btree_map("[a-e]", any::<i32>(), 0..4);
        (tags, properties).prop_map(|(tags, properties)| metadata(json!({ "tags": tags, "properties": properties })))
    }

    proptest! {
        #[test]
        fn an_update_never_loses_a_key_and_a_repeated_one_changes_nothing(a in any_metadata(), b in any_metadata()) {
            let once = merged(&a, b.clone());
            for tag in a.tags().iter().chain(b.tags()) {
                prop_assert!(once.tags().contains(tag));
            }
            for source in [&a, &b] {
                for key in source.0["properties"].as_object().unwrap().keys() {
                    prop_assert!(once.property(key).is_some());
                }
            }
            prop_assert_eq!(merged(&once, b), once);
        }
    }
}
