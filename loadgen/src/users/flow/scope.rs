//! The variables of a flow: who the user is, where, in which repetition, what it saved, and the peer ids of others.

use crate::users::env::UserEnv;
use crate::users::player::Player;
use crate::users::template::Variables;
use rehearsal_scenarios::plan::Service;
use serde_json::Value;
use std::collections::BTreeMap;

/// What templates of one step can name.
pub struct Scope<'a, N> {
    /// The user.
    pub player: &'a Player<N>,
    /// Values saved by earlier steps.
    pub saved: &'a BTreeMap<String, Value>,
    /// Number of the innermost repetition, from 0.
    pub repetition: u64,
    /// Whether the identity token may be named: only in what goes to the target and into no event.
    pub secrets: Secrets,
}

/// Whether a template may name the identity token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// It may: a raw message.
    Allowed,
    /// It may not.
    Hidden,
}

impl<N> Variables for Scope<'_, N> {
    fn value(&self, name: &str) -> Option<Value> {
        if let Some(saved) = self.saved.get(name) {
            return Some(saved.clone());
        }
        let player = self.player;
        Some(match name {
            "user.id" | "user.name" => player.user().name.as_str().into(),
            "user.peer_id" => player.identity.username.as_str().into(),
            "user.token" if self.secrets == Secrets::Allowed => (*player.identity.id_token).into(),
            "room.id" => player.room.id.as_str().into(),
            "room.token" => player.room.token.as_str().into(),
            "run.id" => (*player.env.run_id).into(),
            "repetition" => self.repetition.into(),
            _ => return self.prefixed(name),
        })
    }
}

impl<N> Scope<'_, N> {
    fn prefixed(&self, name: &str) -> Option<Value> {
        let (kind, rest) = name.split_once('.')?;
        match kind {
            "peer" => Some(peer_id(&self.player.env, rest)?.into()),
            "filler" => Some(filler(rest.parse().ok()?).into()),
            "row" => self.row()?.get(rest).cloned(),
            _ => None,
        }
    }

    /// The row of this repetition; from the first again after the last.
    fn row(&self) -> Option<&BTreeMap<String, Value>> {
        let user = self.player.user();
        let table = self.player.env.plan.tables.get(&user.group)?;
        let rows = user.rows?;
        let index = rows.first.wrapping_add(self.repetition.wrapping_mul(rows.step)) % (table.len() as u64).max(1);
        table.get(index as usize)
    }
}

/// So many bytes of text, always the same, that do not compress to nothing.
fn filler(bytes: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut state: u32 = 1;
    let letter = |_| {
        // A linear congruence is random enough for a compressor.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(LETTERS[(state >> 26) as usize])
    };
    (0..bytes).map(letter).collect()
}

fn peer_id<N>(env: &UserEnv<N>, user_name: &str) -> Option<String> {
    let user = env.plan.users.iter().find(|user| user.name == user_name)?;
    match env.plan.system.service {
        Service::Own => Some(user.name.clone()),
        Service::Reference => env.commons.identity(user.number).map(|identity| identity.username),
    }
}
