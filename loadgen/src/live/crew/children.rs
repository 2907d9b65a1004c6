//! Members as processes of this machine: each is the program again, as `rehearsal agent`, and speaks through its standard
//! streams, a line a message. Its end is the end of its output. Neighbours: `leader`, `member` (the other end).
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "reading another process takes a thread")]

use super::leader::{Crew, Line, Said, StartClock};
use super::words::{ToMember, Work};
use crate::commons::lock;
use std::io::{self, BufRead, BufReader, Write};
use std::pin::Pin;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// What `--via` says for members that speak through their standard streams.
pub const STANDARD_STREAMS: &str = "stdio";

/// Long enough for a line to be read by a process of this machine.
const START_AHEAD: Duration = Duration::from_millis(300);

/// Starts a process for each piece of work. They are in a group of their own, so that Ctrl-C reaches the leader alone, which
/// passes it on. `program` is what is run, `arguments` what each is told besides.
pub fn start(program: &std::path::Path, arguments: &[String], work: Vec<Work>) -> io::Result<Crew> {
    let (tell, inbox) = mpsc::unbounded_channel();
    let mut crew = Crew { inbox, members: Vec::new(), clock: Box::new(ThisMachine) };
    for work in work {
        let mut command = Command::new(program);
        command.arg("agent").arg("--via").arg(STANDARD_STREAMS).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let segment = work.segment;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("a process was started without its standard streams"));
        };
        let child = Arc::new(Mutex::new(child));
        let mut line = ChildLine { input, child: child.clone() };
        line.say(&ToMember::Work(Box::new(work)));
        crew.members.push((segment, Box::new(line)));
        let tell = tell.clone();
        let listen = move || {
            let why = listen(output, |said| tell.send((segment, Said::Word(said))).is_ok());
            let ended = lock(&child).wait();
            let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
            // Nobody listens once the run is over.
            let _ = tell.send((segment, Said::Gone(format!("its process ended ({how}){why}"))));
        };
        std::thread::Builder::new().name(format!("process {segment}")).spawn(listen)?;
    }
    Ok(crew)
}

/// Reads words until the process ends; what was wrong with the last one.
fn listen(output: ChildStdout, mut tell: impl FnMut(super::words::FromMember) -> bool) -> String {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(said) => {
                if !tell(said) {
                    break;
                }
            }
            Err(error) => return format!("; it said something that nobody understands: {error}"),
        }
    }
    String::new()
}

struct ChildLine {
    input: ChildStdin,
    child: Arc<Mutex<Child>>,
}

impl Line for ChildLine {
    fn say(&mut self, word: &ToMember) {
        let mut line = serde_json::to_vec(word).unwrap_or_default();
        line.push(b'\n');
        // The end of a process is told by its output.
        let _ = self.input.write_all(&line).and_then(|()| self.input.flush());
    }

    fn give_up(&mut self) {
        // One that waits for it holds the lock only while the process ends.
        if let Ok(mut child) = self.child.try_lock() {
            let _ = child.kill();
        }
    }
}

/// Processes of one machine share its clock.
struct ThisMachine;

impl StartClock for ThisMachine {
    fn soon(&mut self) -> Pin<Box<dyn Future<Output = Result<u64, String>> + Send + '_>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at_unix_ns = u64::try_from((now + START_AHEAD).as_nanos()).unwrap_or(u64::MAX);
        Box::pin(async move { Ok(at_unix_ns) })
    }
}
