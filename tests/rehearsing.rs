//! `rehearsal::scenario(…)` as a test of another package calls it, live: against the reference and a system of its own, in this
//! process. What it does with seeds is tested where a dependant does it, in `examples/own_service`.

use rehearsal::{Host, Listener, Network, Plan, Rehearsal, Server, Stop, System, scenario};
use std::path::PathBuf;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn library(name: &str) -> Rehearsal {
    scenario(format!("scenarios/files/{name}.toml"))
}

#[test]
fn the_reference_is_played_over_real_sockets_and_holds() {
    let outcome = library("two_clients_race_for_one_worker").live().run();
    let connects = outcome.operations.iter().find(|operation| operation.name == "connect");
    assert!(connects.is_some_and(|connect| connect.count >= 3 && connect.errors == 0), "{:?}", outcome.operations);
}

#[test]
fn the_record_of_a_run_that_was_not_as_expected_stays() {
    let rehearsal = library("two_clients_race_for_one_worker").live().expect_broken("room_sees_only_its_own");
    let outcome = rehearsal.try_run().expect("it plays");
    assert!(!outcome.expected);
    let place = outcome.notes.iter().find_map(|note| note.strip_prefix("its record is in ")).map(PathBuf::from);
    let record = place.expect("it is told");
    assert!(record.join("events.jsonl.zst").is_file(), "{record:?}");
    let out = record.parent().and_then(|scenario| scenario.parent()).expect("runs/<scenario>/<time>");
    std::fs::remove_dir_all(out).expect("it is ours");
}

/// Two servers, which would have to find each other.
struct Twins;

impl System for Twins {
    fn deploy<N: Network>(&self, _: &Plan) -> Vec<Server<N>> {
        let server = |name| Server::new(name, |_, stop: Stop| stop.asked());
        vec![server("server-0"), server("server-1")]
    }
}

/// A server that lets go of its listener with its first guest.
struct Curt;

impl System for Curt {
    fn deploy<N: Network>(&self, _: &Plan) -> Vec<Server<N>> {
        vec![Server::new("server-0", |host: Host<N>, _| async move {
            let mut listener = host.listen().await.expect("the port is free");
            drop(listener.accept().await);
        })]
    }
}

/// A server that lets go of its host without listening, and waits to be told to stop.
struct Mute;

impl System for Mute {
    fn deploy<N: Network>(&self, _: &Plan) -> Vec<Server<N>> {
        vec![Server::new("server-0", |_, stop: Stop| stop.asked())]
    }
}

#[test]
fn what_a_test_cannot_play_live_is_told() {
    let trouble = |rehearsal: Rehearsal| rehearsal.live().try_run().err().map_or_else(String::new, |it| it.to_string());
    let twins = trouble(library("two_clients_race_for_one_worker").system(Twins));
    assert!(twins.contains("the system has 2 servers") && twins.contains("two_clients_race"), "{twins}");
    let mute = trouble(library("two_clients_race_for_one_worker").system(Mute));
    assert!(mute.contains("does not listen") && mute.contains("host.listen()"), "{mute}");
    let curt = trouble(library("checks_of_your_own").system(Curt));
    assert!(curt.contains("ended before it was asked to stop"), "{curt}");
    let struck = trouble(library("server_restarts_while_workers_run"));
    assert!(struck.contains("server"), "{struck}");
}

/// A till that speaks HTTP and knows no WebSocket.
struct Till {
    /// Whether it panics when it is told to stop.
    is_bad_at_goodbyes: bool,
}

impl System for Till {
    fn deploy<N: Network>(&self, _: &Plan) -> Vec<Server<N>> {
        let is_bad_at_goodbyes = self.is_bad_at_goodbyes;
        vec![Server::new("server-0", move |host: Host<N>, stop: Stop| async move {
            let mut listener = host.listen().await.expect("the port is free");
            let serve = async {
                while let Ok((mut stream, _)) = listener.accept().await {
                    let mut request = [0; 1_024];
                    // Whoever knocks and says nothing wants no answer.
                    if stream.read(&mut request).await.is_ok_and(|bytes| bytes > 0) {
                        let answer =
                            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 13\r\n\r\n{\"left\": 100}";
                        drop(stream.write_all(answer.as_bytes()).await);
                    }
                }
            };
            tokio::select! {
                () = serve => {}
                () = stop.asked() => {}
            }
            assert!(!is_bad_at_goodbyes, "no goodbye");
        })]
    }
}

const LOOK: &str = "format = 1\n[system]\nservice = \"own\"\n[time]\nmeasure = \"1s\"\nsettle = \"1s\"\n\
                    [users.fans]\nflow = \"look\"\ncount = 3\n[flow.look]\nsteps = [{ http = { path = \"/left\" } }]\n";

#[test]
fn the_record_of_a_run_stays_whose_system_panics_only_while_it_stops() {
    let (_folder, file) = written(LOOK, &[]);
    let trouble = scenario(&file).live().system(Till { is_bad_at_goodbyes: true }).try_run().unwrap_err().to_string();
    assert!(trouble.contains("no goodbye"), "{trouble}");
    let (_, record) = trouble.split_once("its record is in ").expect("it is told");
    let record = PathBuf::from(record.trim());
    assert!(record.join("events.jsonl.zst").is_file(), "{record:?}");
    let out = record.parent().and_then(|scenario| scenario.parent()).expect("runs/<scenario>/<time>");
    std::fs::remove_dir_all(out).expect("it is ours");
}

#[test]
fn a_service_without_a_websocket_is_played_in_both_worlds() {
    let (_folder, file) = written(LOOK, &[]);
    for rehearsal in [scenario(&file).seeds(1..=3), scenario(&file).live()] {
        let outcome = rehearsal.system(Till { is_bad_at_goodbyes: false }).run();
        assert!(outcome.operations.iter().all(|operation| operation.errors == 0), "{:?}", outcome.operations);
    }
}

/// A scenario in a folder of its own, with these files beside it.
fn written(text: &str, beside: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let file = folder.path().join("file.toml");
    for (name, text) in beside.iter().chain([&("file.toml", text)]) {
        std::fs::write(folder.path().join(name), text).expect("it is ours");
    }
    (folder, file)
}

#[test]
fn rows_beside_the_file_are_found_and_one_of_several_variants_is_asked_for() {
    let flow = "[users.all]\nrole = \"peer\"\nflow = \"visit\"\ncount = 2\n[flow.visit]\n";
    let with_rows = flow.replace("count", "rows = \"people.csv\"\ncount");
    let rows = format!("format = 1\n{with_rows}steps = [\"join\", {{ raw = {{ type = \"${{row.word}}\" }} }}]\n");
    let (_folder, file) = written(&rows, &[("people.csv", "word\nhello\nworld\n")]);
    assert!(scenario(&file).seeds(1..=2).run().expected);
    let variants = format!(
        "format = 1\n[params]\nlength = \"1s\"\n[variants]\nshort = {{ length = \"1s\" }}\nlong = {{ length = \"2s\" }}\n\
         {flow}steps = [\"join\", {{ think = \"${{length}}\" }}]\n"
    );
    let (_folder, file) = written(&variants, &[]);
    let unasked = scenario(&file).seeds(1..=2).try_run().err().map_or_else(String::new, |trouble| trouble.to_string());
    assert!(unasked.contains("choose one with `.variant(…)`") && unasked.contains("short"), "{unasked}");
    assert!(scenario(&file).seeds(1..=2).variant("long").run().scenario.ends_with("long"));
}

#[tokio::test]
async fn a_missed_threshold_fails_a_live_run_also_inside_of_another_runtime() {
    let text = "format = 1\n[time]\nmeasure = \"2s\"\nsettle = \"1s\"\n[users.all]\nrole = \"peer\"\nflow = \"visit\"\n\
                [flow.visit]\nsteps = [\"join\"]\n[thresholds]\nregister = [\"p50 < 0.001ms\"]\n";
    let (_folder, file) = written(text, &[]);
    let outcome = scenario(&file).live().try_run().expect("it plays");
    assert!(outcome.expected && !outcome.passes(), "{:?}", outcome.thresholds);
    let record = PathBuf::from(outcome.record.expect("it stays"));
    let out = record.parent().and_then(|scenario| scenario.parent()).expect("runs/<scenario>/<time>");
    std::fs::remove_dir_all(out).expect("it is ours");
}
