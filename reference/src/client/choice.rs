//! Which worker a client prefers, and what those it asked have said. Source: the application protocol document (ask
//! several, pick the best) and the registry document's order: most GPU memory, then the lowest peer id.
//! Neighbours: `core` asks and assigns.

use crate::protocol::DiscoveredPeer;
use serde_json::Value;
use std::cmp::Reverse;

/// The ids of these workers, best first.
pub(super) fn best_first(peers: &[DiscoveredPeer<'_>]) -> Vec<String> {
    let memory_mb = |peer: &DiscoveredPeer<'_>| peer.property("gpu_memory_mb").and_then(Value::as_u64).unwrap_or(0);
    let mut workers: Vec<_> = peers.iter().map(|peer| (Reverse(memory_mb(peer)), peer.peer_id)).collect();
    workers.sort_unstable();
    workers.into_iter().map(|(_, id)| id.to_string()).collect()
}

/// A worker that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) worker: String,
    pub(super) answer: Answer,
}

/// What it has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing yet.
    Pending,
    /// Yes.
    Accepted,
    /// No, or it cannot be reached.
    Refused,
}

/// Asks these, best first.
pub(super) fn ask(workers: &[String]) -> Vec<Asked> {
    workers.iter().map(|worker| Asked { worker: worker.clone(), answer: Answer::Pending }).collect()
}

/// Whether nothing can come any more that would change the choice: all have answered, or the best one has accepted.
pub(super) fn is_settled(asked: &[Asked]) -> bool {
    asked.iter().find(|asked| asked.answer != Answer::Refused).is_none_or(|best| best.answer == Answer::Accepted)
}

/// The best one that accepted.
pub(super) fn best(asked: &[Asked]) -> Option<&Asked> {
    asked.iter().find(|asked| asked.answer == Answer::Accepted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ServerMessage;
    use serde_json::json;

    #[test]
    fn most_memory_comes_first_and_then_the_lowest_id() {
        let peer = |id: &str, memory: Value| json!({ "peer_id": id, "metadata": { "properties": { "gpu_memory_mb": memory } } });
        let peers = [peer("c", json!(8)), peer("b", json!(16)), peer("a", json!(8)), peer("d", json!("many"))];
        let message = json!({ "type": "peer_list", "peers": peers });
        let ServerMessage::PeerList { peers } = ServerMessage::of(&message) else { panic!("{message}") };
        assert_eq!(best_first(&peers), ["b", "a", "c", "d"]);
    }

    #[test]
    fn the_choice_is_settled_when_nobody_better_can_still_accept() {
        let mut asked = ask(&["a".to_string(), "b".to_string()]);
        assert!(!is_settled(&asked));
        asked[1].answer = Answer::Accepted;
        assert!(!is_settled(&asked), "a is better and may still accept");
        asked[0].answer = Answer::Refused;
        assert!(is_settled(&asked));
        assert_eq!(best(&asked).unwrap().worker, "b");
        asked[1].answer = Answer::Refused;
        assert!(is_settled(&asked) && best(&asked).is_none());
    }
}
