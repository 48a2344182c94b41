//! What a host hands in: claims, records and inputs, through two small traits.
//! Always: nothing is copied; a value of an unexpected kind matches nothing.

/// One value of a claim, a record or an input.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// The key is not there.
    Absent,
    /// The key is there and holds null.
    Null,
    /// true or false.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string.
    Text(&'a str),
    /// A list.
    List(&'a dyn List),
    /// Anything else: an object.
    Other,
}

impl<'a> Value<'a> {
    /// The string, if it is one and not empty. An empty identity is nobody's.
    pub(crate) fn identity(self) -> Option<&'a str> {
        match self {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }
}

/// A list of values.
pub trait List {
    /// How many there are.
    fn len(&self) -> usize;
    /// The one at `index`; [`Value::Absent`] past the end.
    fn at(&self, index: usize) -> Value<'_>;
    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl List for &[&str] {
    fn len(&self) -> usize {
        (**self).len()
    }
    fn at(&self, index: usize) -> Value<'_> {
        self.get(index).map_or(Value::Absent, |text| Value::Text(text))
    }
}

impl<const N: usize> List for [&str; N] {
    fn len(&self) -> usize {
        N
    }
    fn at(&self, index: usize) -> Value<'_> {
        self.as_slice().get(index).map_or(Value::Absent, |text| Value::Text(text))
    }
}

/// Named values: the claims of a token, a stored record, a proposed input, the arguments of a query.
///
/// ```
/// use admit_runtime::{Fields, Value};
/// let post = [("state", Value::Text("draft")), ("owner", Value::Null)];
/// assert!(matches!(post.get("state"), Value::Text("draft")));
/// assert!(matches!(post.get("title"), Value::Absent));
/// ```
pub trait Fields {
    /// The value under `name`; [`Value::Absent`] if there is no such key.
    fn get(&self, name: &str) -> Value<'_>;
    /// Calls `visit` with every key.
    fn each_key(&self, visit: &mut dyn FnMut(&str));
}

impl Fields for &[(&str, Value<'_>)] {
    fn get(&self, name: &str) -> Value<'_> {
        (**self).iter().find(|(key, _)| *key == name).map_or(Value::Absent, |(_, value)| *value)
    }
    fn each_key(&self, visit: &mut dyn FnMut(&str)) {
        self.iter().for_each(|(key, _)| visit(key));
    }
}

impl<const N: usize> Fields for [(&str, Value<'_>); N] {
    fn get(&self, name: &str) -> Value<'_> {
        self.iter().find(|(key, _)| *key == name).map_or(Value::Absent, |(_, value)| *value)
    }
    fn each_key(&self, visit: &mut dyn FnMut(&str)) {
        self.iter().for_each(|(key, _)| visit(key));
    }
}

/// No values at all.
impl Fields for () {
    fn get(&self, _: &str) -> Value<'_> {
        Value::Absent
    }
    fn each_key(&self, _: &mut dyn FnMut(&str)) {}
}

/// A record as it will be after a change: the input's keys over the record's.
pub(crate) struct Overlay<'a> {
    pub over: &'a dyn Fields,
    pub under: &'a dyn Fields,
}

impl Fields for Overlay<'_> {
    fn get(&self, name: &str) -> Value<'_> {
        match self.over.get(name) {
            Value::Absent => self.under.get(name),
            value => value,
        }
    }
    fn each_key(&self, visit: &mut dyn FnMut(&str)) {
        self.over.each_key(visit);
        self.under.each_key(visit);
    }
}

#[cfg(feature = "serde_json")]
mod with_serde_json {
    use super::{Fields, List, Value};
    use serde_json::Value as Json;

    fn value(json: &Json) -> Value<'_> {
        match json {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Bool(*flag),
            Json::Number(number) => number.as_f64().map_or(Value::Other, Value::Number),
            Json::String(text) => Value::Text(text),
            Json::Array(items) => Value::List(items),
            Json::Object(_) => Value::Other,
        }
    }

    impl List for alloc::vec::Vec<Json> {
        fn len(&self) -> usize {
            self.as_slice().len()
        }
        fn at(&self, index: usize) -> Value<'_> {
            self.get(index).map_or(Value::Absent, value)
        }
    }

    impl Fields for serde_json::Map<alloc::string::String, Json> {
        fn get(&self, name: &str) -> Value<'_> {
            self.get(name).map_or(Value::Absent, value)
        }
        fn each_key(&self, visit: &mut dyn FnMut(&str)) {
            self.keys().for_each(|key| visit(key));
        }
    }

    /// An object's members; any other JSON value has none.
    impl Fields for Json {
        fn get(&self, name: &str) -> Value<'_> {
            self.as_object().and_then(|object| object.get(name)).map_or(Value::Absent, value)
        }
        fn each_key(&self, visit: &mut dyn FnMut(&str)) {
            if let Some(object) = self.as_object() {
                object.keys().for_each(|key| visit(key));
            }
        }
    }
}
