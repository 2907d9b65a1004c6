//! Runs the program as a user would, and a reference server beside it.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The program under test.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearsal"));
    command.stdin(Stdio::null());
    command
}

/// What a run printed, and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: Output) -> Ran {
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails with everything that was printed unless it ended with this code.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "a panic:\n{}", self.stderr);
        self
    }

    /// The objects of `--format json`.
    #[track_caller]
    pub fn objects(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        self.stdout.lines().map(parse).collect()
    }
}

/// Runs the program with these arguments in a folder.
pub fn run_in(folder: &Path, arguments: &[&str]) -> Ran {
    Ran::of(program().current_dir(folder).args(arguments).output().expect("the program starts"))
}

/// Plays cases of one test beside each other, each with a server and a folder of its own: most of a live run is waiting.
#[allow(clippy::disallowed_methods, reason = "the programs under test are processes of their own")]
pub fn beside_each_other<T: Sync>(cases: &[T], play: impl Fn(&T) + Sync) {
    std::thread::scope(|threads| {
        for case in cases {
            threads.spawn(|| play(case));
        }
    });
}

/// A folder for one test.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Writes a scenario file into a folder.
pub fn scenario(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("writable");
    path
}

/// The text of a scenario that comes with the program.
pub fn library(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/files").join(format!("{name}.toml"));
    std::fs::read_to_string(path).expect("a scenario of the library")
}

/// A reference server as a process of its own; ends with this value.
pub struct Server {
    process: Child,
    pub ws: String,
    pub http: String,
}

impl Server {
    pub fn start(arguments: &[&str]) -> Server {
        let mut process = program().arg("serve").args(arguments).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
        let words: Vec<&str> = line.split_whitespace().collect();
        let [listening, ws, http] = words.as_slice() else { panic!("unexpected line: {line:?}") };
        assert_eq!(*listening, "listening");
        Server { ws: (*ws).to_owned(), http: (*http).to_owned(), process }
    }

    pub fn process_id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a signal to a process of this test.
pub fn signal(process_id: u32, signal: i32) {
    // SAFETY: `kill` has no memory effects; the process is a child of this test that has not been waited for.
    #[allow(unsafe_code, reason = "the standard library sends no signal but SIGKILL")]
    let sent = unsafe { libc::kill(process_id as libc::pid_t, signal) };
    assert_eq!(sent, 0, "the process is still there");
}
