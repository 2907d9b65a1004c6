//! A real Redis beside the server that `redis` plays on the simulated network: the same commands have the same answers,
//! byte for byte, so that what the clients are shown there is Redis' own protocol.
//!
//! Skipped, with a reason, where `redis-server` is missing; `REHEARSAL_REQUIRE=redis` makes that a failure.

use crate::redis::Store;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tokio::sync::mpsc::unbounded_channel;

/// A Redis of this test's own, on a Unix socket: no port, no file that outlives it.
struct RealRedis {
    process: Child,
    socket: PathBuf,
}

impl RealRedis {
    fn start(program: &Path, folder: &Path) -> RealRedis {
        let socket = folder.join("redis.sock");
        let mut process = Command::new(program)
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let is_ready = lines.map_while(Result::ok).any(|line| line.contains("eady to accept connections"));
        assert!(is_ready, "redis-server ended before it accepted");
        RealRedis { process, socket }
    }

    fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.socket).unwrap()
    }
}

impl Drop for RealRedis {
    fn drop(&mut self) {
        // One that is gone already leaves nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program's path, if it is there.
fn redis_server() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("redis-server")).find(|it| it.is_file());
    if found.is_none() {
        let required = std::env::var("REHEARSAL_REQUIRE").unwrap_or_default();
        assert!(!required.split(',').any(|it| it == "redis"), "REHEARSAL_REQUIRE names redis, which is not installed");
        // Past the capture of a test's output: who reads the log shall see it.
        let _ = writeln!(std::io::stderr(), "skipped: no redis-server in PATH");
    }
    found
}

/// A command as clients write it: an array of bulk strings.
fn command(words: &[&str]) -> String {
    let bulks: String = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
    format!("*{}\r\n{bulks}", words.len())
}

/// As many bytes as were expected, as text.
fn read(stream: &mut UnixStream, bytes: usize) -> String {
    let mut read = vec![0; bytes];
    stream.read_exact(&mut read).unwrap();
    String::from_utf8(read).unwrap()
}

#[test]
fn a_real_redis_answers_as_the_server_on_the_simulated_network_does() {
    let Some(program) = redis_server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let real = RealRedis::start(&program, folder.path());
    let (mut asking, mut listening) = (real.connect(), real.connect());
    let mut ours = Store::default();
    let (answers, mut told) = unbounded_channel();
    let mut ask = |stream: &mut UnixStream, words: &[&str]| {
        let owned: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let expected = ours.answer(&owned, &answers);
        stream.write_all(command(words).as_bytes()).unwrap();
        assert_eq!(read(stream, expected.len()), expected, "{words:?}");
    };
    ask(&mut asking, &["GET", "nothing"]);
    ask(&mut asking, &["SET", "told", "yes"]);
    ask(&mut asking, &["GET", "told"]);
    for by in ["1", "100"] {
        ask(&mut asking, &["INCRBY", "count", by]);
    }
    ask(&mut asking, &["PUBLISH", "news", "to nobody"]);
    ask(&mut listening, &["SUBSCRIBE", "news"]);
    ask(&mut asking, &["PUBLISH", "news", "first"]);
    let expected = told.try_recv().unwrap();
    assert_eq!(read(&mut listening, expected.len()), expected);
}
