//! A member's side of a store: waits there for work, hears its leader, and sends its record back. Neighbours: `store`, `member`
//! (what it does with the work), `gathering` (the other side).
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "live runs read the machine's clock, and spawn"
)]

use super::clock::Offset;
use super::member::ToLeader;
use super::store::{
    ALIVE_EVERY, FILES, Letter, Store, StoreError, WAITING, leader_key, leader_mailbox, member_key, member_mailbox,
};
use super::words::{FromMember, ToMember};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rehearsal_reports::record::SharedClock;
use rehearsal_scenarios::plan::Segment;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Bytes of a file in one letter, and how many of them may wait for the leader.
const PIECE_BYTES: usize = 256 << 10;
const PIECES_WAITING_MAX: u64 = 32;

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
