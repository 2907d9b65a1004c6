//! One member of a crew: takes its work, prepares, starts when it is told to, and tells how it does. A leader that is gone ends
//! it politely. Neighbours: `words`, `driver` (what it plays with); `children` and `store` are at the other end.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "reading standard input takes a thread")]

use super::words::{Ended, Failed, FromMember, ToMember, Work};
use crate::live::driver;
use crate::live::options::{Interrupt, LiveError, LiveOptions, LiveRun};
use crate::live::start::Start;
use rehearsal_scenarios::plan::Plan;
use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How often it says that it is still there, whatever else it does.
const STILL_HERE_EVERY: Duration = Duration::from_secs(1);

/// The way to the leader.
pub struct ToLeader {
    /// What the leader says; it ends with the leader.
    pub inbox: mpsc::UnboundedReceiver<ToMember>,
    /// Says something to the leader.
    pub say: Arc<dyn Fn(FromMember) + Send + Sync>,
    /// How far this machine's clock is behind the shared one, in nanoseconds; zero on the leader's machine.
    pub behind_ns: i64,
}

/// The leader as the process that started this one.
pub fn through_standard_streams() -> io::Result<ToLeader> {
    let (tell, inbox) = mpsc::unbounded_channel();
    let listen = move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            let Ok(word) = serde_json::from_str(&line) else { break };
            if tell.send(word).is_err() {
                break;
            }
        }
    };
    std::thread::Builder::new().name("leader".into()).spawn(listen)?;
    let say = |word: FromMember| {
        let mut line = serde_json::to_vec(&word).unwrap_or_default();
        line.push(b'\n');
        let mut out = io::stdout().lock();
        // A leader that is gone is noticed by its silence.
        let _ = out.write_all(&line).and_then(|()| out.flush());
    };
    Ok(ToLeader { inbox, say: Arc::new(say), behind_ns: 0 })
}

/// The work, once the leader hands it out; nothing if the leader is gone first.
pub async fn work(leader: &mut ToLeader) -> Option<Work> {
    loop {
        match leader.inbox.recv().await? {
            ToMember::Work(work) => return Some(*work),
            ToMember::Start { .. } => {}
            ToMember::End(_) => return None,
        }
    }
}

/// Plays a segment, as the leader says. The caller tells what came of it, with [`ended`] or [`failed`].
pub async fn play(leader: ToLeader, plan: Plan, mut options: LiveOptions) -> Result<LiveRun, LiveError> {
    let ToLeader { mut inbox, say, behind_ns } = leader;
    let (tell, interrupt) = watch::channel(Interrupt::None);
    let (start, go) = watch::channel(None);
    let ready = say.clone();
    options.start = Start::Together { ready: Arc::new(move || ready(FromMember::Ready)), go };
    let progress = say.clone();
    let listen = async move {
        loop {
            match inbox.recv().await {
                Some(ToMember::Start { at_unix_ns }) => {
                    let at_unix_ns = at_unix_ns.saturating_add_signed(-behind_ns);
                    start.send_replace(Some(Duration::from_nanos(at_unix_ns)));
                }
                Some(ToMember::End(asked)) => {
                    tell.send_if_modified(|now| std::mem::replace(now, asked.max(*now)) < asked);
                }
                Some(ToMember::Work(_)) => {}
                None => {
                    tell.send_if_modified(|now| {
                        std::mem::replace(now, Interrupt::Polite.max(*now)) < Interrupt::Polite
                    });
                    std::future::pending::<()>().await;
                }
            }
        }
    };
    let beat = async {
        loop {
            tokio::time::sleep(STILL_HERE_EVERY).await;
            say(FromMember::StillHere);
        }
    };
    let on_progress = Box::new(move |now: &_| progress(FromMember::Progress(Box::new(Clone::clone(now)))));
    tokio::select! {
        run = driver::run(Arc::new(plan), options, on_progress, interrupt) => run,
        () = listen => unreachable!("listening has no end"),
        () = beat => unreachable!("the beat has no end"),
    }
}

/// What a member says when it has played.
pub fn ended(run: &LiveRun) -> Ended {
    Ended {
        unreachable: run.unreachable.clone(),
        rooms_left: run.left_behind.rooms.clone(),
        identities_left: run.left_behind.identities.clone(),
        clock: None,
        clock_offset_ns: None,
    }
}

/// What it says when it could not.
pub fn failed(exit: u8, message: impl Into<String>) -> FromMember {
    FromMember::Failed(Failed { exit, message: message.into() })
}
