//! An event as a line of `events.jsonl`, written field by field: the same bytes as its `Serialize` with less work, since a
//! generator writes a line for every event of a load. Neighbours: `event` says what the fields mean, `event::json`
//! writes texts, `writer` compresses lines.

use crate::event::json::{write_plain, write_text};
use crate::event::{Body, Event};
use serde::Serialize;

/// Adds the line of an event.
///
/// # Errors
/// None that an event can cause: all of them can be written.
pub fn write_line(out: &mut Vec<u8>, event: &Event) -> serde_json::Result<()> {
    // Taken apart, so that a field that is added does not go missing here.
    let Event { n, t_ns, process, user, conn, kind, op, op_id, planned_ns, said, content, body } = event;
    put(out, "{\"n\":", n)?;
    put(out, ",\"t_ns\":", t_ns)?;
    put_unless(*process == 0, out, ",\"process\":", process)?;
    put_text(out, ",\"user\":", user);
    put_unless(*conn == 0, out, ",\"conn\":", conn)?;
    out.extend_from_slice(b",\"kind\":");
    write_plain(out, kind.word());
    if !op.is_empty() {
        put_text(out, ",\"op\":", op);
    }
    put_unless(op_id.is_none(), out, ",\"op_id\":", op_id)?;
    put_unless(planned_ns.is_none(), out, ",\"planned_ns\":", planned_ns)?;
    put_unless(said.is_empty(), out, ",\"said\":", said)?;
    put_unless(content.is_empty(), out, ",\"content\":", content)?;
    match body {
        Body::Empty => {}
        Body::Other { kind } => {
            put_text(out, ",\"body\":{\"is\":\"other\",\"type\":", kind);
            out.push(b'}');
        }
        told => put(out, ",\"body\":", told)?,
    }
    out.extend_from_slice(b"}\n");
    Ok(())
}

fn put(out: &mut Vec<u8>, key: &str, value: &impl Serialize) -> serde_json::Result<()> {
    out.extend_from_slice(key.as_bytes());
    serde_json::to_writer(out, value)
}

fn put_text(out: &mut Vec<u8>, key: &str, text: &str) {
    out.extend_from_slice(key.as_bytes());
    write_text(out, text);
}

fn put_unless(is_absent: bool, out: &mut Vec<u8>, key: &str, value: &impl Serialize) -> serde_json::Result<()> {
    if is_absent { Ok(()) } else { put(out, key, value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Content, Kind, Said};
    use serde_json::json;

    fn check(event: &Event) {
        let mut line = Vec::new();
        write_line(&mut line, event).unwrap();
        assert_eq!(String::from_utf8(line).unwrap(), format!("{}\n", serde_json::to_string(event).unwrap()));
    }

    #[test]
    fn a_line_has_the_fields_that_the_event_has() {
        let bare = Event {
            n: 0,
            t_ns: -7,
            process: 0,
            user: "run".into(),
            conn: 0,
            kind: Kind::Began,
            op: "".into(),
            op_id: None,
            planned_ns: None,
            said: Said::default(),
            content: Content::default(),
            body: Body::Empty,
        };
        check(&bare);
        check(&Event {
            process: 3,
            conn: 1,
            op: "say \"hello\"\n".into(),
            kind: Kind::Received,
            op_id: Some(0),
            planned_ns: Some(-1),
            said: [("/payload/job".into(), json!("j1")), ("/n".into(), json!(null))].into(),
            content: Content::of(&json!({ "type": "echo" })),
            body: Body::Other { kind: "echo".into() },
            ..bare.clone()
        });
        let kinds = [Kind::Invoked, Kind::Ok, Kind::Failed, Kind::Unknown, Kind::Sent, Kind::Received];
        let kinds = kinds.into_iter().chain([Kind::Opened, Kind::Closed, Kind::Began, Kind::Ended, Kind::Fault]);
        kinds.for_each(|kind| check(&Event { kind, ..bare.clone() }));
        let told = [
            Body::Other { kind: "\\".into() },
            Body::Connection { target: "127.0.0.1:1".into() },
            Body::Discover { filters: json!({ "tag": "gpu" }).into() },
        ];
        told.into_iter().for_each(|body| check(&Event { body, ..bare.clone() }));
    }
}
