//! Completeness: each error code is answered in its case, and each defect shows when it is on and only then.

use super::discovery::left_after_an_update;
use super::hall::*;
use super::leaving::found_after_a_late_close;
use super::relays::{message_crosses_rooms, speaks_for_another, undelivered};
use super::reservations::free_after_its_time;
use rehearsal_reference::defects::{Defect, DefectSide};
use rehearsal_reference::identity::IdentityError;
use rehearsal_reference::protocol::{ErrorCode, Profile};
use rehearsal_reference::rooms::Limits;
use serde_json::json;
use std::time::Duration;

#[test]
fn what_cannot_be_read_is_refused_with_its_code() {
    let mut hall = Hall::hardened();
    let mut code = |text: &str| match hall.says_text(1, text).as_slice() {
        [Seen::Message(1, answer)] => answer["code"].as_str().unwrap().to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(code("rubbish"), "INVALID_JSON");
    assert_eq!(code("{}"), "INVALID_MESSAGE");
    assert_eq!(code(r#"{"type":"dance"}"#), "UNKNOWN_MESSAGE_TYPE");
}

/// Makes the server answer with this code; what it really answered with.
fn provoked(code: ErrorCode) -> ErrorCode {
    let mut hall = Hall::new(Limits { room_peers_max: 2, ..Limits::default() }, &[], Profile::Documented);
    hall.joins(1, "red", "a");
    hall.joins(2, "red", "b");
    hall.joins(3, "blue", "elsewhere");
    let refused = |hall: &mut Hall, text: &str| match hall.says_text(1, text).as_slice() {
        [Seen::Message(1, answer)] => answer["code"].as_str().unwrap().parse().unwrap(),
        other => panic!("{other:?}"),
    };
    match code {
        ErrorCode::NotInRoom => hall.code(4, message("a", "b")),
        ErrorCode::RoomNotFound => hall.code(4, register("green", "c")),
        ErrorCode::PeerNotInRoom => hall.code(1, message("a", "elsewhere")),
        ErrorCode::PeerNotFound => hall.code(1, message("a", "nobody")),
        ErrorCode::InvalidMessage => refused(&mut hall, "{}"),
        ErrorCode::DeliveryFailed => {
            let Seen::Message(_, answer) = undelivered(&mut hall).remove(1) else { panic!("no refusal") };
            answer["code"].as_str().unwrap().parse().unwrap()
        }
        ErrorCode::UnknownMessageType => refused(&mut hall, r#"{"type":"dance"}"#),
        ErrorCode::InvalidJson => refused(&mut hall, "rubbish"),
        ErrorCode::InvalidToken => {
            let mut wrong_token = register("red", "a");
            wrong_token["token"] = json!("other");
            hall.code(4, wrong_token)
        }
        ErrorCode::InvalidIdentity => {
            let seen = hall.identified(4, &register("red", "a").to_string(), Err(IdentityError::Expired));
            let [Seen::Message(4, refused)] = seen.as_slice() else { panic!("{seen:?}") };
            refused["code"].as_str().unwrap().parse().unwrap()
        }
        ErrorCode::RoomExpired => {
            hall.now = BEGIN + Duration::from_secs(2 * 3_600);
            hall.code(4, register("red", "c"))
        }
        ErrorCode::RoomFull => hall.code(4, register("red", "c")),
        ErrorCode::MetadataTooLarge => hall.code(1, update("a", json!({ "properties": { "x": "x".repeat(70_000) } }))),
        ErrorCode::SenderMismatch => hall.code(1, message("b", "a")),
        ErrorCode::WorkerReserved => {
            hall.answer(2, reserve("b", 30));
            hall.code(1, reserve("b", 30))
        }
        ErrorCode::NotReserved => hall.code(1, json!({ "type": "release_worker", "worker_id": "b" })),
    }
}

#[test]
fn each_error_code_is_what_the_server_answers_in_its_case() {
    for code in ErrorCode::ALL {
        assert_eq!(provoked(code), code);
    }
}

/// Whether a server shows the flaw.
fn is_flawed(hall: Hall, defect: Defect) -> bool {
    match defect {
        Defect::LateCloseRemovesNewRegistration => !found_after_a_late_close(hall),
        Defect::MetadataReplacesInsteadOfMerges => left_after_an_update(hall)["properties"]["p"].is_null(),
        Defect::SenderNotChecked => speaks_for_another(hall),
        Defect::MessageCrossesRooms => message_crosses_rooms(hall),
        Defect::ReservationNeverExpires => !free_after_its_time(hall),
        Defect::StatusAfterAccept | Defect::NoBusyRejection | Defect::AssignmentTimeoutNeverFires => {
            panic!("{defect} is no defect of the server")
        }
    }
}

#[test]
fn each_defect_of_the_server_shows_when_it_is_on_and_only_then() {
    for defect in Defect::ALL.into_iter().filter(|defect| defect.side() == DefectSide::Server) {
        assert!(is_flawed(Hall::with(defect), defect), "{defect} is on and does not show");
        assert!(!is_flawed(Hall::hardened(), defect), "{defect} is off and shows");
    }
}
