//! Reserved workers.

use super::hall::*;
use rehearsal_reference::defects::Defect;
use rehearsal_reference::protocol::ErrorCode;
use serde_json::json;
use std::time::Duration;

#[test]
fn a_reserved_worker_is_refused_to_others_until_it_is_released() {
    let mut hall = Hall::hardened();
    hall.joins(1, "red", "w");
    hall.joins(2, "red", "a");
    hall.joins(3, "red", "b");
    let expected = json!({ "type": "worker_reserved", "worker_id": "w", "reserved_by": "a",
        "expires_at": (BEGIN + Duration::from_secs(30)).as_secs_f64() });
    assert_eq!(hall.answer(2, json!({ "type": "reserve_worker", "worker_id": "w" })), expected);
    assert_eq!(hall.code(3, reserve("w", 30)), ErrorCode::WorkerReserved);
    assert_eq!(hall.answer(2, reserve("w", 60))["type"], "worker_reserved", "the holder may prolong it");
    assert_eq!(hall.code(3, json!({ "type": "release_worker", "worker_id": "w" })), ErrorCode::NotReserved);
    let release = json!({ "type": "release_worker", "worker_id": "w" });
    assert_eq!(hall.answer(2, release), json!({ "type": "worker_released", "worker_id": "w" }));
    assert_eq!(hall.answer(3, reserve("w", 30))["reserved_by"], "b");
    assert_eq!(hall.code(2, reserve("nobody", 30)), ErrorCode::PeerNotFound);
    assert_eq!(hall.code(2, reserve("w", 0)), ErrorCode::InvalidMessage);
}

#[test]
fn nobody_has_deployed_reservations() {
    let mut hall = Hall::deployed();
    hall.joins(1, "red", "w");
    assert_eq!(hall.code(1, reserve("w", 30)), ErrorCode::UnknownMessageType);
    assert_eq!(hall.code(1, json!({ "type": "release_worker", "worker_id": "w" })), ErrorCode::UnknownMessageType);
}

/// Whether another may reserve the worker when the time of the first reservation is over.
pub fn free_after_its_time(mut hall: Hall) -> bool {
    hall.joins(1, "red", "w");
    hall.joins(2, "red", "a");
    hall.joins(3, "red", "b");
    hall.answer(2, reserve("w", 30));
    hall.now = BEGIN + Duration::from_secs(30) - Duration::from_nanos(1);
    assert_eq!(hall.code(3, reserve("w", 30)), ErrorCode::WorkerReserved);
    hall.now = BEGIN + Duration::from_secs(30);
    hall.answer(3, reserve("w", 30))["type"] == "worker_reserved"
}

#[test]
fn a_reservation_ends_at_its_time() {
    assert!(free_after_its_time(Hall::hardened()));
    assert!(!free_after_its_time(Hall::with(Defect::ReservationNeverExpires)));
}

#[test]
fn a_reservation_ends_when_its_holder_or_its_worker_leaves() {
    for leaves in [1, 2] {
        let mut hall = Hall::hardened();
        hall.joins(1, "red", "w");
        hall.joins(2, "red", "a");
        hall.joins(3, "red", "b");
        hall.answer(2, reserve("w", 30));
        hall.closes(leaves);
        hall.joins(4, "red", "w");
        assert_eq!(hall.answer(3, reserve("w", 30))["type"], "worker_reserved", "connection {leaves} left");
    }
}

#[test]
fn a_holder_that_reconnects_keeps_its_reservation() {
    let mut hall = Hall::hardened();
    hall.joins(1, "red", "w");
    hall.joins(2, "red", "a");
    hall.answer(2, reserve("w", 30));
    hall.joins(3, "red", "a");
    hall.closes(2);
    hall.joins(4, "red", "b");
    assert_eq!(hall.code(4, reserve("w", 30)), ErrorCode::WorkerReserved);
}
