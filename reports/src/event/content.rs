//! What a message carries, for whoever looks at a run: kept only where a run is played to be shown (a simulated seed with
//! its events), since a long live record would be mostly this. Checks never read it, and a run's hash does not cover it:
//! it covers the digest of the whole message, which is there whether or not this is. Neighbour: `Event`, which holds it.

use super::Name;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::hash::{Hash, Hasher};

/// The longest content that is kept, in bytes of JSON; of a longer one the beginning.
pub const CONTENT_BYTES_MAX: usize = 2_048;

/// Stands for what could be a secret.
const MASK: &str = "…";

/// The content of a message as JSON text, cut off if it is long, without what could be a secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Content(Option<Name>);

impl Content {
    /// The content of a message. Tokens are masked, by the name of their field or by the form of a signed one.
    pub fn of(value: &Value) -> Content {
        let json = masked(value).to_string();
        match json.floor_char_boundary(CONTENT_BYTES_MAX) {
            end if end < json.len() => Content(Some(format!("{}…", &json[..end]).into())),
            _ => Content(Some(json.into())),
        }
    }

    /// The text, if there is one.
    pub fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Whether nothing was kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

/// A run is the same run whether or not what its messages carry was kept.
impl Hash for Content {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

fn masked(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| {
                let value = if is_secret_name(key) { Value::from(MASK) } else { masked(value) };
                (key.clone(), value)
            };
            fields.iter().map(field).collect()
        }
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::String(text) if is_signed_token(text) => MASK.into(),
        other => other.clone(),
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["token", "password", "secret", "authorization", "credential"].iter().any(|secret| name.ends_with(secret))
}

/// A JSON web token is three parts with dots between them, and its first one begins a JSON object.
fn is_signed_token(text: &str) -> bool {
    text.contains("eyJ") && text.matches('.').count() >= 2 && !text.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use xxhash_rust::xxh3::Xxh3;

    fn text(value: &Value) -> String {
        Content::of(value).text().unwrap().to_owned()
    }

    #[test]
    fn what_could_be_a_secret_is_masked_wherever_it_stands() {
        let message = json!({ "id_token": "abc", "list": [{ "Password": 5 }, "Bearer eyJh.eyJz.c2ln", "eyJh.eyJz.c2ln"], "n": 1 });
        let told = text(&message);
        assert!(!told.contains("abc") && !told.contains('5'), "{told}");
        assert_eq!(text(&json!(["eyJh.eyJz.c2ln"])), r#"["…"]"#);
        assert_eq!(text(&json!({ "sdp": "v=0", "n": 1.5 })), r#"{"n":1.5,"sdp":"v=0"}"#);
    }

    #[test]
    fn a_long_content_is_cut_off_between_letters() {
        let told = text(&json!("ü".repeat(CONTENT_BYTES_MAX)));
        assert!(told.len() <= CONTENT_BYTES_MAX + MASK.len() && told.ends_with("ü…"), "{}", told.len());
    }

    #[test]
    fn a_hash_is_the_same_with_and_without_it() {
        let hash = |content: &Content| {
            let mut hasher = Xxh3::new();
            content.hash(&mut hasher);
            hasher.digest()
        };
        assert_eq!(hash(&Content::of(&json!(1))), hash(&Content::default()));
        assert_ne!(Content::of(&json!(1)), Content::default());
    }
}
