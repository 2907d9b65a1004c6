//! Members anywhere, spoken with through Redis: lists as mailboxes, keys that expire as signs of life, and the store's own
//! clock as the one that all share. Records come back through it as well, in pieces, so that nothing else has to be shared.
//! Neighbours: `leader`, `member`, `clock`. Left out: TLS to the store.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "live runs read the machine's clock, and spawn"
)]

use super::clock::{Asked, Offset};
use super::leader::{Crew, Line, Said, StartClock};
use super::member::ToLeader;
use super::words::{FromMember, ToMember, Work};
use crate::live::files;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use rehearsal_reports::record::SharedClock;
use rehearsal_scenarios::plan::Segment;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// Where members wait for work.
const WAITING: &str = "rehearsal:waiting";
/// A sign of life is renewed well before it lapses.
const ALIVE_FOR_S: u64 = 10;
const ALIVE_EVERY: Duration = Duration::from_secs(2);
/// Letters that nobody reads are gone after an hour.
const LETTERS_KEPT_S: u64 = 3_600;
/// How long one wait for a letter takes before signs of life are looked at.
const LETTER_WITHIN_S: f64 = 1.0;
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Long enough for a letter to be read anywhere.
const START_AHEAD: Duration = Duration::from_secs(2);
const CLOCK_QUESTIONS: usize = 40;
/// Bytes of a file in one letter, and how many of them may wait for the leader.
const PIECE_BYTES: usize = 256 << 10;
const PIECES_WAITING_MAX: u64 = 32;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It does not answer, or says no.
    #[error(
        "the store at `{shown}` cannot be used: {error}\n  hint: --via names a Redis, such as redis://127.0.0.1:6379; with a password, redis://:PASSWORD@HOST"
    )]
    Redis {
        /// Its address without secrets.
        shown: String,
        /// What it says.
        error: redis::RedisError,
    },
    /// Not enough members.
    #[error(
        "{found} of {wanted} agents came within {within_s} s\n  hint: start them with `rehearsal agent --via …`, of the same version, before the load or at the same time"
    )]
    TooFew {
        /// How many came.
        found: usize,
        /// How many are needed.
        wanted: usize,
        /// How long they were waited for.
        within_s: u64,
    },
}

/// A letter to the leader.
#[derive(Serialize, Deserialize)]
struct Letter {
    from: Segment,
    word: FromMember,
}

/// A Redis.
#[derive(Clone)]
pub struct Store {
    shown: String,
    /// For questions that are answered at once.
    quick: MultiplexedConnection,
    /// For waits.
    slow: MultiplexedConnection,
}

impl Store {
    /// Connects.
    pub async fn open(url: &str) -> Result<Store, StoreError> {
        let shown = without_secrets(url);
        let failed = |error| StoreError::Redis { shown: without_secrets(url), error };
        let client = redis::Client::open(url).map_err(failed)?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_WITHIN))
            .set_response_timeout(Some(ANSWER_WITHIN));
        let quick = client.get_multiplexed_async_connection_with_config(&config).await.map_err(failed)?;
        let slow = client.get_multiplexed_async_connection_with_config(&config).await.map_err(failed)?;
        Ok(Store { shown, quick, slow })
    }

    async fn ask<T: redis::FromRedisValue>(&self, command: &mut redis::Cmd) -> Result<T, StoreError> {
        let answer = command.query_async(&mut self.quick.clone()).await;
        answer.map_err(|error| StoreError::Redis { shown: self.shown.clone(), error })
    }

    async fn post(&self, mailbox: &str, letter: &impl Serialize) -> Result<(), StoreError> {
        let letter = serde_json::to_vec(letter).unwrap_or_default();
        let _: u64 = self.ask(redis::cmd("RPUSH").arg(mailbox).arg(letter)).await?;
        let _: u64 = self.ask(redis::cmd("EXPIRE").arg(mailbox).arg(LETTERS_KEPT_S)).await?;
        Ok(())
    }

    /// The next letter; none if it does not come within a second.
    async fn letter(&self, mailbox: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut wait = redis::cmd("BLPOP");
        wait.arg(mailbox).arg(LETTER_WITHIN_S);
        let letter: Option<(String, Vec<u8>)> = wait
            .query_async(&mut self.slow.clone())
            .await
            .map_err(|error| StoreError::Redis { shown: self.shown.clone(), error })?;
        Ok(letter.map(|(_, letter)| letter))
    }

    async fn live(&self, key: &str) -> Result<(), StoreError> {
        let _: String = self.ask(redis::cmd("SET").arg(key).arg(1).arg("EX").arg(ALIVE_FOR_S)).await?;
        Ok(())
    }

    async fn is_alive(&self, key: &str) -> Result<bool, StoreError> {
        Ok(self.ask::<u64>(redis::cmd("EXISTS").arg(key)).await? > 0)
    }

    async fn unix_ns(&self) -> Result<u64, StoreError> {
        let (seconds, micros): (u64, u64) = self.ask(&mut redis::cmd("TIME")).await?;
        Ok(seconds * 1_000_000_000 + micros * 1_000)
    }

    /// How far this machine's clock is ahead of the store's.
    pub async fn clock(&self) -> Result<Offset, StoreError> {
        let mut asked = Vec::with_capacity(CLOCK_QUESTIONS);
        for _ in 0..CLOCK_QUESTIONS {
            let before_ns = now_ns();
            let shared_ns = self.unix_ns().await?;
            asked.push(Asked { before_ns, shared_ns, after_ns: now_ns() });
        }
        Ok(Offset::of(&asked).unwrap_or(Offset { ahead_ns: 0, bound_ns: u64::MAX }))
    }
}

fn now_ns() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

/// An address as it may be shown: without user name and password.
pub fn without_secrets(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        _ => url.to_owned(),
    }
}

fn member_key(id: &str) -> String {
    format!("rehearsal:member:{id}")
}

fn member_mailbox(id: &str) -> String {
    format!("rehearsal:to-member:{id}")
}

fn leader_key(run_id: &str) -> String {
    format!("rehearsal:leader:{run_id}")
}

fn leader_mailbox(run_id: &str) -> String {
    format!("rehearsal:to-leader:{run_id}")
}

/// Waits for members and hands out the work; pieces of their records are put into the folder of their segment. `came` hears how
/// many there are.
pub async fn gather(
    store: Store,
    work: Vec<Work>,
    within: Duration,
    folder_of: impl Fn(Segment) -> PathBuf + Send + 'static,
    mut came: impl FnMut(usize),
) -> Result<Crew, StoreError> {
    let run_id = work.first().map_or(String::new(), |work| work.run_id.clone());
    store.live(&leader_key(&run_id)).await?;
    let ids = take_waiting(&store, work.len(), within, &mut came).await?;
    let (tell, inbox) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    let mut members: Vec<(Segment, Box<dyn Line>)> = Vec::new();
    for (work, id) in work.into_iter().zip(ids) {
        let segment = work.segment;
        let mailbox = member_mailbox(&id);
        store.post(&mailbox, &ToMember::Work(Box::new(work))).await?;
        let (say, mut said) = mpsc::unbounded_channel::<ToMember>();
        let to_member = store.clone();
        tasks.spawn(async move {
            while let Some(word) = said.recv().await {
                // A store that is gone is noticed where letters are read.
                let _ = to_member.post(&mailbox, &word).await;
            }
        });
        members.push((segment, Box::new(StoreLine(say))));
        let (watched, tell) = (store.clone(), tell.clone());
        tasks.spawn(async move {
            let why = gone(&watched, &member_key(&id)).await;
            let _ = tell.send((segment, Said::Gone(why)));
        });
    }
    let alive = store.clone();
    let key = leader_key(&run_id);
    tasks.spawn(async move {
        while alive.live(&key).await.is_ok() {
            sleep(ALIVE_EVERY).await;
        }
    });
    let reading = store.clone();
    tasks.spawn(async move { read_letters(&reading, &leader_mailbox(&run_id), &tell, folder_of).await });
    Ok(Crew { inbox, members, clock: Box::new(StoreClock { store, _tasks: tasks }) })
}

/// Takes so many members that are alive; if there are too few, they are put back.
async fn take_waiting(
    store: &Store,
    wanted: usize,
    within: Duration,
    came: &mut impl FnMut(usize),
) -> Result<Vec<String>, StoreError> {
    let give_up_at = Instant::now() + within;
    let mut ids: Vec<String> = Vec::new();
    while ids.len() < wanted {
        let next: Option<String> = store.ask(redis::cmd("LPOP").arg(WAITING)).await?;
        match next {
            Some(id) if store.is_alive(&member_key(&id)).await? => {
                ids.push(id);
                came(ids.len());
            }
            Some(_) => {}
            None if Instant::now() < give_up_at => sleep(Duration::from_millis(100)).await,
            None => {
                let found = ids.len();
                for id in ids {
                    let _: u64 = store.ask(redis::cmd("RPUSH").arg(WAITING).arg(id)).await?;
                }
                return Err(StoreError::TooFew { found, wanted, within_s: within.as_secs() });
            }
        }
    }
    Ok(ids)
}

/// Waits until a sign of life has lapsed; why that is so.
async fn gone(store: &Store, key: &str) -> String {
    loop {
        match store.is_alive(key).await {
            Ok(true) => sleep(ALIVE_EVERY).await,
            Ok(false) => return format!("it gave no sign of life for {ALIVE_FOR_S} s"),
            Err(error) => return error.to_string(),
        }
    }
}

async fn read_letters(
    store: &Store,
    mailbox: &str,
    tell: &mpsc::UnboundedSender<(Segment, Said)>,
    folder_of: impl Fn(Segment) -> PathBuf,
) {
    let mut written: BTreeMap<(Segment, String), std::fs::File> = BTreeMap::new();
    while let Ok(letter) = store.letter(mailbox).await {
        let Some(Ok(Letter { from, word })) = letter.map(|letter| serde_json::from_slice(&letter)) else { continue };
        let said = match &word {
            FromMember::Piece { file, base64 } => match keep(&mut written, &folder_of(from), from, file, base64) {
                Ok(()) => Said::Word(word),
                Err(error) => Said::Gone(format!("its record cannot be written: {error}")),
            },
            _ => Said::Word(word),
        };
        if tell.send((from, said)).is_err() {
            return;
        }
    }
}

/// Files of a record, and nothing else: a name from a letter must not lead anywhere else.
const FILES: [&str; 6] =
    [files::HEADER, files::EVENTS, files::SAMPLES, files::VERDICT, files::LATENCY, super::super::journal_file::FILE];

fn keep(
    written: &mut BTreeMap<(Segment, String), std::fs::File>,
    folder: &Path,
    from: Segment,
    file: &str,
    base64: &str,
) -> std::io::Result<()> {
    if !FILES.contains(&file) {
        return Err(std::io::Error::other(format!("`{file}` is no file of a record")));
    }
    let bytes = STANDARD.decode(base64).map_err(std::io::Error::other)?;
    let key = (from, file.to_owned());
    if !written.contains_key(&key) {
        std::fs::create_dir_all(folder)?;
        written.insert(key.clone(), std::fs::File::create(folder.join(file))?);
    }
    let Some(open) = written.get_mut(&key) else { return Ok(()) };
    std::io::Write::write_all(open, &bytes)
}

struct StoreLine(mpsc::UnboundedSender<ToMember>);

impl Line for StoreLine {
    fn say(&mut self, word: &ToMember) {
        // The task that posts it ends with the crew.
        let _ = self.0.send(word.clone());
    }

    fn give_up(&mut self) {
        let _ = self.0.send(ToMember::End(crate::live::options::Interrupt::Now));
    }
}

struct StoreClock {
    store: Store,
    /// They end with the crew.
    _tasks: JoinSet<()>,
}

impl StartClock for StoreClock {
    fn soon(&mut self) -> Pin<Box<dyn Future<Output = Result<u64, String>> + Send + '_>> {
        Box::pin(async {
            let now = self.store.unix_ns().await.map_err(|error| error.to_string())?;
            Ok(now + START_AHEAD.as_nanos() as u64)
        })
    }
}

/// A member that waits in the store.
pub struct Member {
    store: Store,
    first: Offset,
    /// The run that it has work of.
    run: Arc<OnceLock<(String, Segment)>>,
    /// The way to the leader, until it is taken.
    pub leader: Option<ToLeader>,
    /// They end with the member.
    _tasks: JoinSet<()>,
}

impl Member {
    /// Waits for work under this id, which must be another for each member.
    pub async fn join(url: &str, id: &str) -> Result<Member, StoreError> {
        let store = Store::open(url).await?;
        let first = store.clock().await?;
        let (tell, inbox) = mpsc::unbounded_channel();
        let (say, mut said) = mpsc::unbounded_channel::<FromMember>();
        let run: Arc<OnceLock<(String, Segment)>> = Arc::default();
        let mut tasks = JoinSet::new();
        store.live(&member_key(id)).await?;
        let (alive, key) = (store.clone(), member_key(id));
        tasks.spawn(async move {
            while alive.live(&key).await.is_ok() {
                sleep(ALIVE_EVERY).await;
            }
        });
        let (reading, mailbox, known) = (store.clone(), member_mailbox(id), run.clone());
        tasks.spawn(async move { read_orders(&reading, &mailbox, &known, &tell).await });
        let (posting, known) = (store.clone(), run.clone());
        tasks.spawn(async move {
            while let Some(word) = said.recv().await {
                if let Some((run_id, from)) = known.get() {
                    let _ = posting.post(&leader_mailbox(run_id), &Letter { from: *from, word }).await;
                }
            }
        });
        let _: u64 = store.ask(redis::cmd("RPUSH").arg(WAITING).arg(id)).await?;
        let say = Arc::new(move |word| drop(say.send(word)));
        let leader = Some(ToLeader { inbox, say, behind_ns: first.ahead_ns.saturating_neg() });
        Ok(Member { store, first, run, leader, _tasks: tasks })
    }

    /// The clock that this member's times are on.
    pub fn clock(&self, run_id: &str) -> SharedClock {
        SharedClock { name: format!("store of {run_id}"), bound_ns: self.first.bound_ns }
    }

    /// Tells the last word: what came of the work, with the clock measured again, behind the record of it.
    pub async fn conclude(self, mut last: FromMember, record: Option<&Path>) -> Result<(), StoreError> {
        let Some((run_id, from)) = self.run.get() else { return Ok(()) };
        if let FromMember::Ended(ended) = &mut last {
            let offset = self.first.covering(self.store.clock().await?);
            ended.clock = Some(SharedClock { bound_ns: offset.bound_ns, ..self.clock(run_id) });
            ended.clock_offset_ns = Some(offset.ahead_ns);
        }
        let mailbox = leader_mailbox(run_id);
        for file in FILES {
            let Some(Ok(open)) = record.map(|record| std::fs::File::open(record.join(file))) else { continue };
            self.post_file(&mailbox, *from, file, open).await?;
        }
        self.store.post(&mailbox, &Letter { from: *from, word: last }).await
    }

    async fn post_file(
        &self,
        mailbox: &str,
        from: Segment,
        file: &str,
        mut open: std::fs::File,
    ) -> Result<(), StoreError> {
        let mut bytes = Vec::with_capacity(PIECE_BYTES);
        let unreadable = |error: std::io::Error| StoreError::Redis { shown: file.to_owned(), error: error.into() };
        loop {
            bytes.clear();
            Read::by_ref(&mut open).take(PIECE_BYTES as u64).read_to_end(&mut bytes).map_err(unreadable)?;
            if bytes.is_empty() {
                return Ok(());
            }
            // The store holds a few pieces, not a record.
            while self.store.ask::<u64>(redis::cmd("LLEN").arg(mailbox)).await? > PIECES_WAITING_MAX {
                sleep(Duration::from_millis(20)).await;
            }
            let word = FromMember::Piece { file: file.to_owned(), base64: STANDARD.encode(&bytes) };
            self.store.post(mailbox, &Letter { from, word }).await?;
        }
    }
}

/// What the leader says, until it gives no sign of life any more.
async fn read_orders(
    store: &Store,
    mailbox: &str,
    run: &OnceLock<(String, Segment)>,
    tell: &mpsc::UnboundedSender<ToMember>,
) {
    while let Ok(letter) = store.letter(mailbox).await {
        let Some(letter) = letter else {
            if let Some((run_id, _)) = run.get()
                && !store.is_alive(&leader_key(run_id)).await.unwrap_or(false)
            {
                return;
            }
            continue;
        };
        let Ok(word) = serde_json::from_slice::<ToMember>(&letter) else { continue };
        if let ToMember::Work(work) = &word {
            // There is one piece of work for each member.
            let _ = run.set((work.run_id.clone(), work.segment));
        }
        if tell.send(word).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_shown_without_its_password() {
        assert_eq!(without_secrets("redis://:hush@10.0.0.1:6379/0"), "redis://…@10.0.0.1:6379/0");
        assert_eq!(without_secrets("redis://10.0.0.1"), "redis://10.0.0.1");
    }

    #[test]
    fn a_letter_cannot_name_a_file_outside_of_the_record() {
        let folder = tempfile::tempdir().unwrap();
        let (mut written, from) = (BTreeMap::new(), Segment { nth: 1, of: 2 });
        let mut put = |file| keep(&mut written, folder.path(), from, file, &STANDARD.encode("x"));
        assert!(put("../evil").is_err() && put("report.html").is_err());
        assert!(put(files::HEADER).is_ok() && put(files::HEADER).is_ok());
        assert_eq!(std::fs::read_to_string(folder.path().join(files::HEADER)).unwrap(), "xx");
    }
}
