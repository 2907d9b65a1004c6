//! Who is found, and what metadata becomes.

use super::hall::*;
use rehearsal_reference::defects::Defect;
use rehearsal_reference::protocol::ErrorCode;
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn a_discovery_lists_who_matches_in_the_room_and_never_the_asker() {
    let mut hall = Hall::hardened();
    hall.joins_as(1, "red", "w1", "worker", json!({ "properties": { "gpu_memory_mb": 8192, "status": "available" } }));
    hall.joins_as(2, "red", "w2", "worker", json!({ "properties": { "gpu_memory_mb": 24576, "status": "busy" } }));
    hall.joins_as(3, "red", "c", "client", json!({}));
    hall.joins_as(4, "blue", "w3", "worker", json!({}));
    assert_eq!(hall.discovers(3, json!({})), ["w1", "w2"]);
    assert_eq!(hall.discovers(1, json!({ "role": "worker" })), ["w2"]);
    let free = json!({ "role": "worker", "properties": { "gpu_memory_mb": { "$gte": 8192 }, "status": "available" } });
    assert_eq!(hall.discovers(3, free), ["w1"]);
    assert_eq!(hall.code(3, json!({ "type": "discover_peers", "filters": { "tags": 1 } })), ErrorCode::InvalidMessage);
}

#[test]
fn connected_at_is_whole_in_the_documents_and_has_a_fraction_when_deployed() {
    for (mut hall, expected) in [(Hall::hardened(), json!(1_762_165_800)), (Hall::deployed(), json!(1_762_165_800.25))]
    {
        hall.now = BEGIN + Duration::from_millis(250);
        hall.joins(1, "red", "a");
        hall.joins(2, "red", "b");
        let answer = hall.answer(2, json!({ "type": "discover_peers", "from_peer_id": "b" }));
        assert_eq!(answer["peers"][0]["connected_at"], expected);
    }
}

#[test]
fn a_mistyped_comparison_is_no_match_and_ends_the_connection_only_when_deployed() {
    let ask = json!({ "type": "discover_peers", "filters": { "properties": { "p": { "$gte": "much" } } } });
    for (mut hall, ends) in [(Hall::hardened(), false), (Hall::deployed(), true)] {
        hall.joins(1, "red", "a");
        hall.joins(2, "red", "b");
        match hall.says(2, ask.clone()).as_slice() {
            [Seen::Closed(2, 1000)] => assert!(ends),
            [Seen::Message(2, answer)] => assert!(!ends && answer["count"] == 0, "{answer}"),
            other => panic!("{other:?}"),
        }
    }
}

/// Updates one property and says which are left.
pub fn left_after_an_update(mut hall: Hall) -> Value {
    hall.joins(1, "red", "a");
    let answer = hall.answer(1, update("a", json!({ "tags": ["u"], "properties": { "q": 2 } })));
    assert_eq!((&answer["type"], &answer["peer_id"]), (&json!("metadata_updated"), &json!("a")));
    hall.joins(2, "red", "b");
    let seen = hall.answer(2, json!({ "type": "discover_peers" }))["peers"][0]["metadata"].clone();
    assert_eq!(seen, answer["metadata"], "the answer and later discoveries say the same");
    seen
}

#[test]
fn an_update_merges_into_what_was_there() {
    let merged = json!({ "tags": ["t", "u"], "properties": { "p": 1, "q": 2 } });
    assert_eq!(left_after_an_update(Hall::hardened()), merged);
    let replaced = json!({ "tags": ["u"], "properties": { "q": 2 } });
    assert_eq!(left_after_an_update(Hall::with(Defect::MetadataReplacesInsteadOfMerges)), replaced);
}
