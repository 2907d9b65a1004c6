//! Secrets by the place where they are: an environment variable, a file, or a command that prints them. They are read when they are
//! needed and again when they have expired, and never shown. Neighbours: `policy`, `driver` (rooms that exist).
#![allow(clippy::disallowed_methods, reason = "commands that print secrets run beside the runtime")]

use crate::commons::RoomCredentials;
use crate::tokens::{Reading, Tokens};
use rehearsal_reference::failure::{Failure, FailureClass};
use serde_json::Value;
use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// An environment variable of this name.
    Env(String),
    /// A file whose whole text it is.
    File(PathBuf),
    /// A command of the shell that prints it.
    Command(String),
}

/// Why a secret cannot be had. Never tells what it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no secret at `{place}`: {why}\n  hint: {hint}")]
pub struct NoSecret {
    /// Where it was looked for.
    pub place: String,
    /// What is wrong there.
    pub why: String,
    /// What may help.
    pub hint: &'static str,
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Secret::Env(name) => write!(f, "env:{name}"),
            Secret::File(path) => write!(f, "file:{}", path.display()),
            // A command's arguments may be secrets themselves.
            Secret::Command(command) => write!(f, "command:{} …", command.split_whitespace().next().unwrap_or("")),
        }
    }
}

impl Secret {
    /// A place as it is written: `env:NAME`, `file:PATH`, `command:WORDS`.
    ///
    /// # Errors
    /// What is no place; the text is not told, since it may be the secret itself.
    pub fn parse(text: &str) -> Result<Secret, NoSecret> {
        match text.split_once(':').map(|(kind, place)| (kind, place.trim())) {
            Some((_, "")) | None => {}
            Some(("env", name)) => return Ok(Secret::Env(name.to_owned())),
            Some(("file", path)) => return Ok(Secret::File(path.into())),
            Some(("command", words)) => return Ok(Secret::Command(words.to_owned())),
            Some(_) => {}
        }
        let (place, why) = ("…".to_owned(), "it does not say where the secret is".to_owned());
        Err(NoSecret { place, why, hint: "write env:NAME, file:PATH, or command:WORDS" })
    }

    /// The secret, without blanks around it.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub fn read(&self) -> Result<String, NoSecret> {
        let (text, hint) = match self {
            Secret::Env(name) => {
                let text = std::env::var(name).map_err(|error| error.to_string());
                (text, "set the environment variable for this command")
            }
            Secret::File(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
                (text, "check the file's name, which counts from the working folder, and its permissions")
            }
            Secret::Command(words) => {
                (printed(words), "run the command by hand; it must print the secret and end with 0")
            }
        };
        let failed = |why| NoSecret { place: self.to_string(), why, hint };
        let text = text.map_err(failed)?;
        match text.trim() {
            "" => Err(failed("it is empty".to_owned())),
            text => Ok(text.to_owned()),
        }
    }

    /// The secret as the id and the token of a room: `ID:TOKEN`, or JSON with `room_id` and `token`.
    ///
    /// # Errors
    /// Why it cannot be had, or that it is no room.
    pub fn room(&self) -> Result<RoomCredentials, NoSecret> {
        let text = self.read()?;
        let of_json = |json: Value| {
            let field = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
            Some(RoomCredentials { id: field("room_id")?, token: field("token")? })
        };
        let of_words = || {
            let (id, token) = text.split_once(':').filter(|(id, token)| !id.is_empty() && !token.is_empty())?;
            Some(RoomCredentials { id: id.to_owned(), token: token.to_owned() })
        };
        serde_json::from_str(&text).ok().and_then(of_json).or_else(of_words).ok_or_else(|| NoSecret {
            place: self.to_string(),
            why: "it is no room".to_owned(),
            hint: "write ID:TOKEN, or what /create-room answered: {\"room_id\": …, \"token\": …}",
        })
    }
}

/// What a command prints. What it says on stderr is for the terminal.
fn printed(words: &str) -> Result<String, String> {
    let ran = Command::new("sh").args(["-c", words]).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = ran.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("the command ended with {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| "what it prints is no text".to_owned())
}

impl Tokens for Secret {
    fn read(&self) -> Reading {
        let secret = self.clone();
        Box::pin(async move {
            let read = tokio::task::spawn_blocking(move || Secret::read(&secret)).await;
            let read = read.map_err(|error| Failure::new(FailureClass::Other, error))?;
            read.map_err(|error| {
                Failure::new(FailureClass::Other, format_args!("no secret at `{}`: {}", error.place, error.why))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_where_it_is_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "s3cret\n").unwrap();
        assert_eq!(Secret::File(file.clone()).read().as_deref(), Ok("s3cret"));
        let command = Secret::parse(&format!("command:cat {}", file.display())).unwrap();
        assert_eq!(command.read().as_deref(), Ok("s3cret"));
        assert_eq!(command.to_string(), "command:cat …");
        assert_eq!(Secret::parse("env:PATH").unwrap().read().ok(), std::env::var("PATH").ok());
    }

    #[test]
    fn what_is_not_there_is_told_without_what_was_found() {
        assert!(!Secret::parse("s3cret").unwrap_err().to_string().contains("s3cret"));
        let missing = Secret::Env("REHEARSAL_NOT_SET".into()).read().unwrap_err().to_string();
        assert!(missing.contains("env:REHEARSAL_NOT_SET") && missing.contains("hint"), "{missing}");
        let failing = Secret::Command("echo s3cret; exit 3".into()).read().unwrap_err().to_string();
        assert!(failing.contains("exit status: 3") && !failing.contains("s3cret"), "{failing}");
        assert!(Secret::Command("true".into()).read().unwrap_err().why.contains("empty"));
    }

    #[test]
    fn a_room_is_read_in_both_forms() {
        let folder = tempfile::tempdir().unwrap();
        let room = |text: &str| {
            let file = folder.path().join("room");
            std::fs::write(&file, text).unwrap();
            Secret::File(file).room().map(|room| (room.id, room.token))
        };
        let expected = Ok(("abcd1234".to_owned(), "ffee00".to_owned()));
        assert_eq!(room("abcd1234:ffee00\n"), expected);
        assert_eq!(room("{\"room_id\": \"abcd1234\", \"token\": \"ffee00\"}"), expected);
        let refused = room("abcd1234").unwrap_err().to_string();
        assert!(refused.contains("is no room") && !refused.contains("abcd1234"), "{refused}");
    }
}
