//! The scenario files that come with the program, by name: examples in `files`, and in `hunts` defects that no meeting forces
//! to show, so that a search has something to do (`rehearsal score`).

/// Declares the files of a folder once: the name is the file's.
macro_rules! library {
    ($files:ident, $folder:literal, [$($name:literal),* $(,)?]) => {
        const $files: &[(&str, &str)] = &[$(($name, include_str!(concat!("../", $folder, "/", $name, ".toml")))),*];
    };
}

library!(
    FILES,
    "files",
    [
        "two_clients_race_for_one_worker",
        "two_clients_race_naive_worker",
        "three_strategies_compared",
        "reconnect_keeps_the_new_registration",
        "worker_crashes_mid_job",
        "partition_between_worker_and_server",
        "server_restarts_while_workers_run",
        "server_is_stopped_politely",
        "worker_dies_between_acceptance_and_assignment",
        "client_dies_before_it_assigns",
        "paused_worker_misses_its_assignment",
        "clocks_disagree",
        "every_kind_of_fault",
        "users_in_trouble",
        "rude_clients_are_sent_away",
        "checks_of_your_own",
        "v1_and_v2_peers_share_a_room",
        "steady_discovery_load",
        "ramp_until_slow",
        "find_the_capacity",
        "defect_status_after_accept",
        "defect_no_busy_rejection",
        "defect_assignment_timeout_never_fires",
        "defect_late_close_removes_new_registration",
        "defect_metadata_replaces_instead_of_merges",
        "defect_sender_not_checked",
        "defect_message_crosses_rooms",
        "defect_reservation_never_expires",
    ]
);

library!(
    HUNTS,
    "hunts",
    [
        "hunt_status_after_accept",
        "hunt_no_busy_rejection",
        "hunt_assignment_timeout_never_fires",
        "hunt_late_close_removes_new_registration",
        "hunt_reservation_never_expires",
    ]
);

/// Names of all embedded examples, the flagship first.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// Names of all embedded hunts.
pub fn hunts() -> impl Iterator<Item = &'static str> {
    HUNTS.iter().map(|(name, _)| *name)
}

/// The text of an embedded scenario.
pub fn get(name: &str) -> Option<&'static str> {
    FILES.iter().chain(HUNTS).find(|(known, _)| *known == name).map(|(_, text)| *text)
}
