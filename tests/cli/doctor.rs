//! `rehearsal doctor`, and the start-up plan of `load`: what a machine is too small for is refused before any socket.

use crate::support::{Ran, folder, program, run_in, scenario};
use std::process::Command;

const HUNDRED: &str = "format = 1\nabout = \"a hundred that stay\"\n[time]\nmeasure = \"1s\"\n\
    [users.all]\nrole = \"peer\"\nflow = \"stay\"\ncount = 100\n[flow.stay]\nsteps = [\"join\"]\n";

#[test]
fn doctor_says_what_the_machine_has_and_what_a_scenario_needs_of_it() {
    let folder = folder();
    scenario(folder.path(), "hundred.toml", HUNDRED);
    let ran = run_in(folder.path(), &["doctor", "hundred.toml"]).ends_with(0);
    for words in ["processor ", "planned sends  late by ", "hundred needs", "connections             116"] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
}

/// Runs the program where no process may have more files open than this.
#[cfg(unix)]
fn run_with_files(files: u32, arguments: &str) -> Ran {
    let folder = folder();
    scenario(folder.path(), "hundred.toml", HUNDRED);
    let program = program().get_program().to_owned();
    let mut shell = Command::new("sh");
    shell
        .current_dir(folder.path())
        .arg("-c")
        .arg(format!("ulimit -n {files} && exec \"$0\" {arguments}"))
        .arg(program);
    Ran::of(shell.output().expect("there is a shell"))
}

#[cfg(unix)]
#[test]
fn a_run_that_needs_more_files_than_there_may_be_is_refused_with_the_cure() {
    let load = run_with_files(100, "load hundred.toml --target ws://127.0.0.1:9").ends_with(2);
    assert!(load.stderr.contains("it needs 180 files, there are 100"), "{}", load.stderr);
    assert!(load.stderr.contains("hint: `ulimit -n 1000` before the run"), "{}", load.stderr);
    let doctor = run_with_files(100, "doctor hundred.toml").ends_with(2);
    assert!(doctor.stdout.contains("short"), "{}", doctor.stdout);
}
