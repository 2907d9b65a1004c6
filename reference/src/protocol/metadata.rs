//! What a peer says about itself: `{"tags": […], "properties": {…}}`, kept as the JSON object that it came as.
//! Neighbours: `rooms::merge` (how an update changes it), `rooms::filters` (how a discovery matches it).

use super::Object;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Metadata of a peer; `{}` for peers of version 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metadata(pub Object);

impl Metadata {
    /// Metadata with tags and properties.
    pub fn new<'a>(tags: impl IntoIterator<Item = &'a str>, properties: Object) -> Metadata {
        let mut object = Object::new();
        object.insert("tags".into(), tags.into_iter().collect());
        object.insert("properties".into(), Value::Object(properties));
        Metadata(object)
    }

    /// Only properties, as a status update sends them.
    pub fn of_properties(properties: Object) -> Metadata {
        Metadata(Object::from_iter([("properties".to_string(), Value::Object(properties))]))
    }

    /// The tags; none if they are missing or no list.
    pub fn tags(&self) -> &[Value] {
        self.0.get("tags").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The value of a property; nothing if it, or the properties, are missing or no object.
    pub fn property(&self, name: &str) -> Option<&Value> {
        self.0.get("properties")?.as_object()?.get(name)
    }

    /// The property `status`, if it is a text.
    pub fn status(&self) -> Option<&str> {
        self.property("status")?.as_str()
    }
}
