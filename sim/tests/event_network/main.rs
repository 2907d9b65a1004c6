//! What TCP does, asked of this machine's loopback and of the simulated network on either engine: the same, without a
//! difference.

#![allow(clippy::unwrap_used, reason = "helpers of tests may end a test")]

mod scenes;
mod worlds;

use scenes::{BackPressure, HalfClosed, HalfOpen, LeavesUnread, ReadsAfterTheEnd, ResetWhileWriting};
use worlds::{never_accepted_everywhere, refused_everywhere, same_everywhere};

#[test]
fn a_half_closed_connection_still_carries_the_other_direction() {
    same_everywhere::<HalfClosed>(["heard \"still here\"", "heard \"goodbye\""]);
}

#[test]
fn a_writer_stops_while_nobody_reads_and_nothing_is_lost() {
    same_everywhere::<BackPressure>(["read 16777216 bytes", "stalled, then wrote all"]);
}

#[test]
fn a_reset_ends_who_is_writing() {
    same_everywhere::<ResetWhileWriting>(["aborted", "ConnectionReset"]);
}

#[test]
fn who_closes_with_unread_data_resets() {
    same_everywhere::<LeavesUnread>(["read 1 of 6 bytes", "ConnectionReset"]);
}

#[test]
fn who_reads_after_the_end_finds_the_end_again() {
    same_everywhere::<ReadsAfterTheEnd>(["heard \"\"", "heard \"goodbye\", heard \"\", heard \"\", heard \"\""]);
}

#[test]
fn a_half_open_connection_takes_a_first_write_and_fails_a_later_one() {
    same_everywhere::<HalfOpen>(["gone", "heard \"\", written, BrokenPipe, heard \"\""]);
}

#[test]
fn a_connection_that_nobody_has_accepted_is_open_for_its_client_and_reset_with_its_listener() {
    never_accepted_everywhere("written, ConnectionReset");
}

#[test]
fn a_port_on_which_nobody_listens_refuses() {
    refused_everywhere();
}
