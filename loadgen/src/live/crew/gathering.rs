//! The leader's side of a store: takes members that wait there, hands out the work, and reads what they say. Their records come
//! back in pieces, so that nothing else has to be shared. Neighbours: `store`, `leader`, `waiting` (the other side).
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "live runs read the machine's clock, and spawn"
)]

use super::leader::{Crew, Line, Said, StartClock};
use super::store::{
    ALIVE_EVERY, ALIVE_FOR_S, FILES, Letter, Store, StoreError, WAITING, leader_key, leader_mailbox, member_key,
    member_mailbox,
};
use super::words::{FromMember, ToMember, Work};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rehearsal_scenarios::plan::Segment;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// Long enough for a letter to be read anywhere.
const START_AHEAD: Duration = Duration::from_secs(2);

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::files;

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
