//! What TCP does, asked of this machine's loopback and of the simulated network on either engine: the same, without a
//! difference.

#![allow(clippy::unwrap_used, reason = "helpers of tests may end a test")]

mod scenes;
mod worlds;

use scenes::{BackPressure, HalfClosed, LeavesUnread, ResetWhileWriting};
use worlds::{refused_everywhere, same_everywhere};

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
fn a_port_on_which_nobody_listens_refuses() {
    refused_everywhere();
}
