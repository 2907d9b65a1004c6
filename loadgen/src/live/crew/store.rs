//! A Redis as the place where leader and members meet: lists as mailboxes, keys that expire as signs of life, and its own clock
//! as the one that all share. Neighbours: `gathering` (the leader's side), `waiting` (a member's), `clock`. Left out: TLS to
//! the store.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "live runs read the machine's clock, and spawn"
)]

use super::clock::{Asked, Offset};
use super::words::FromMember;
use crate::live::{files, journal_file};
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use rehearsal_scenarios::plan::Segment;
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use super::gathering::gather;
pub use super::waiting::Member;

/// Where members wait for work.
pub(super) const WAITING: &str = "rehearsal:waiting";
/// A sign of life is renewed well before it lapses.
pub(super) const ALIVE_FOR_S: u64 = 10;
pub(super) const ALIVE_EVERY: Duration = Duration::from_secs(2);
/// Letters that nobody reads are gone after an hour.
const LETTERS_KEPT_S: u64 = 3_600;
/// How long one wait for a letter takes before signs of life are looked at.
const LETTER_WITHIN_S: f64 = 1.0;
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const CLOCK_QUESTIONS: usize = 40;
/// Files of a record, and nothing else: a name from a letter must not lead anywhere else.
pub(super) const FILES: [&str; 6] =
    [files::HEADER, files::EVENTS, files::SAMPLES, files::VERDICT, files::LATENCY, journal_file::FILE];

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
pub(super) struct Letter {
    pub(super) from: Segment,
    pub(super) word: FromMember,
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

    pub(super) async fn ask<T: redis::FromRedisValue>(&self, command: &mut redis::Cmd) -> Result<T, StoreError> {
        let answer = command.query_async(&mut self.quick.clone()).await;
        answer.map_err(|error| StoreError::Redis { shown: self.shown.clone(), error })
    }

    pub(super) async fn post(&self, mailbox: &str, letter: &impl Serialize) -> Result<(), StoreError> {
        let letter = serde_json::to_vec(letter).unwrap_or_default();
        let _: u64 = self.ask(redis::cmd("RPUSH").arg(mailbox).arg(letter)).await?;
        let _: u64 = self.ask(redis::cmd("EXPIRE").arg(mailbox).arg(LETTERS_KEPT_S)).await?;
        Ok(())
    }

    /// The next letter; none if it does not come within a second.
    pub(super) async fn letter(&self, mailbox: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut wait = redis::cmd("BLPOP");
        wait.arg(mailbox).arg(LETTER_WITHIN_S);
        let letter: Option<(String, Vec<u8>)> = wait
            .query_async(&mut self.slow.clone())
            .await
            .map_err(|error| StoreError::Redis { shown: self.shown.clone(), error })?;
        Ok(letter.map(|(_, letter)| letter))
    }

    pub(super) async fn live(&self, key: &str) -> Result<(), StoreError> {
        let _: String = self.ask(redis::cmd("SET").arg(key).arg(1).arg("EX").arg(ALIVE_FOR_S)).await?;
        Ok(())
    }

    pub(super) async fn is_alive(&self, key: &str) -> Result<bool, StoreError> {
        Ok(self.ask::<u64>(redis::cmd("EXISTS").arg(key)).await? > 0)
    }

    pub(super) async fn unix_ns(&self) -> Result<u64, StoreError> {
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

pub(super) fn member_key(id: &str) -> String {
    format!("rehearsal:member:{id}")
}

pub(super) fn member_mailbox(id: &str) -> String {
    format!("rehearsal:to-member:{id}")
}

pub(super) fn leader_key(run_id: &str) -> String {
    format!("rehearsal:leader:{run_id}")
}

pub(super) fn leader_mailbox(run_id: &str) -> String {
    format!("rehearsal:to-leader:{run_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_shown_without_its_password() {
        assert_eq!(without_secrets("redis://:hush@10.0.0.1:6379/0"), "redis://…@10.0.0.1:6379/0");
        assert_eq!(without_secrets("redis://10.0.0.1"), "redis://10.0.0.1");
    }
}
