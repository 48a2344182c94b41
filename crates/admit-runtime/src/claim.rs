//! The groups that a claim holds. A list of strings is itself; a string that is a JSON list of strings is that
//! list; any other string is one group. (Amplify also lets `"SuperAdmins"` stand for `Admins`; Admit does not.)
//! Always: no allocation. What exceeds a cap is unknown, and unknown groups admit nobody.

use crate::value::{List, Value};

/// The most elements of a list, in a claim (as a list or as text) or in a record's field: a longer one is unknown.
pub const MAX_LIST: usize = 4096;
/// The longest claim, in bytes, that is read as text.
pub const MAX_CLAIM: usize = 64 * 1024;
/// The longest group name, in bytes, that is unescaped from a claim's JSON text (128 characters of UTF-8).
pub const MAX_NAME: usize = 512;

/// What a claim says about groups.
#[derive(Clone, Copy)]
pub(crate) enum Groups<'a> {
    /// The claim is absent: no groups.
    None,
    /// The claim is neither a list nor a string, or over a cap.
    Unknown,
    /// A list.
    List(&'a dyn List),
    /// A JSON list, as text.
    Json(&'a str),
    /// One group.
    One(&'a str),
}

impl<'a> Groups<'a> {
    pub fn of(value: Value<'a>) -> Groups<'a> {
        match value {
            Value::Absent | Value::Null => Groups::None,
            Value::List(list) if list.len() <= MAX_LIST => Groups::List(list),
            Value::Text("") => Groups::None,
            Value::Text(text) if text.len() > MAX_CLAIM => Groups::Unknown,
            Value::Text(text) => match json_list(text) {
                Some(count) if count > MAX_LIST => Groups::Unknown,
                Some(_) => Groups::Json(text),
                None => Groups::One(text),
            },
            _ => Groups::Unknown,
        }
    }

    /// Calls `visit` with each group until it answers true; says whether it did.
    #[inline]
    pub fn any(self, mut visit: impl FnMut(&str) -> bool) -> bool {
        match self {
            Groups::None | Groups::Unknown => false,
            Groups::One(name) => visit(name),
            Groups::List(list) => (0..list.len()).any(|at| match list.at(at) {
                Value::Text(name) => visit(name),
                _ => false,
            }),
            Groups::Json(text) => {
                let mut found = false;
                let mut reader = Reader { text: text.as_bytes(), at: 0, count: 0 };
                reader.list(0, &mut |name| found = found || visit(name));
                found
            }
        }
    }

    /// Whether there is no group in it that could be one of the policy's.
    pub fn is_empty(self) -> bool {
        !self.any(|_| true)
    }

    /// Whether the caller counts as in some group: there is an element, even one that is no name, or the claim is
    /// unknown. Who is not in a group may have more, so what cannot be read counts as a group.
    pub fn is_member(self) -> bool {
        match self {
            Groups::None => false,
            Groups::Unknown | Groups::One(_) => true,
            Groups::List(list) => !list.is_empty(),
            Groups::Json(text) => json_list(text) != Some(0),
        }
    }
}

/// How many elements a text holds that is a JSON list.
fn json_list(text: &str) -> Option<usize> {
    let mut reader = Reader { text: text.as_bytes(), at: 0, count: 0 };
    reader.blanks();
    let is_list = reader.list(0, &mut |_| ());
    reader.blanks();
    (is_list && reader.at == reader.text.len()).then_some(reader.count)
}

/// Whether a text is exactly one JSON number, and not a long one.
pub(crate) fn is_json_number(text: &str) -> bool {
    let mut reader = Reader { text: text.as_bytes(), at: 0, count: 0 };
    text.len() <= 64 && reader.number() && reader.at == text.len()
}

/// How deep a JSON text may nest before it counts as no JSON at all.
const MAX_DEPTH: u8 = 16;

/// A JSON reader that keeps nothing: it says whether the text is JSON and shows the strings of the outer list.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// Elements of the outer list so far.
    count: usize,
}

impl Reader<'_> {
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is = self.peek() == byte && self.at < self.text.len();
        self.at += usize::from(is);
        is
    }

    fn list(&mut self, depth: u8, show: &mut dyn FnMut(&str)) -> bool {
        self.blanks();
        if depth > MAX_DEPTH || !self.eat(b'[') {
            return false;
        }
        self.blanks();
        if self.eat(b']') {
            return true;
        }
        loop {
            self.blanks();
            self.count += usize::from(depth == 0);
            let ok = if depth == 0 && self.peek() == b'"' { self.string(show) } else { self.value(depth + 1) };
            self.blanks();
            match (ok, self.peek()) {
                (true, b',') => self.at += 1,
                (true, b']') => {
                    self.at += 1;
                    return true;
                }
                _ => return false,
            }
        }
    }

    fn object(&mut self, depth: u8) -> bool {
        if depth > MAX_DEPTH || !self.eat(b'{') {
            return false;
        }
        self.blanks();
        if self.eat(b'}') {
            return true;
        }
        loop {
            self.blanks();
            let key = self.string(&mut |_| ());
            self.blanks();
            let ok = key && self.eat(b':') && {
                self.blanks();
                self.value(depth + 1)
            };
            self.blanks();
            match (ok, self.peek()) {
                (true, b',') => self.at += 1,
                (true, b'}') => {
                    self.at += 1;
                    return true;
                }
                _ => return false,
            }
        }
    }

    fn value(&mut self, depth: u8) -> bool {
        match self.peek() {
            b'[' => self.list(depth, &mut |_| ()),
            b'{' => self.object(depth),
            b'"' => self.string(&mut |_| ()),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &[u8]) -> bool {
        let is = self.text[self.at.min(self.text.len())..].starts_with(word);
        self.at += if is { word.len() } else { 0 };
        is
    }

    fn digits(&mut self) -> bool {
        let from = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        self.at > from
    }

    fn number(&mut self) -> bool {
        self.eat(b'-');
        let whole = if self.eat(b'0') { true } else { self.digits() };
        let fraction = !self.eat(b'.') || self.digits();
        let exponent = !(self.eat(b'e') || self.eat(b'E')) || {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()
        };
        whole && fraction && exponent
    }

    /// Reads a string and shows it unescaped. One longer than [`MAX_NAME`] is read and not shown.
    fn string(&mut self, show: &mut dyn FnMut(&str)) -> bool {
        if !self.eat(b'"') {
            return false;
        }
        let mut name = Buffer { bytes: [0; MAX_NAME], len: 0, fits: true };
        while self.at < self.text.len() {
            let byte = self.peek();
            self.at += 1;
            match byte {
                b'"' => {
                    if let (true, Ok(text)) = (name.fits, core::str::from_utf8(&name.bytes[..name.len])) {
                        show(text);
                    }
                    return true;
                }
                b'\\' => match self.escape() {
                    Some(c) => name.push_char(c),
                    None => return false,
                },
                0..0x20 => return false,
                _ => name.push(byte),
            }
        }
        false
    }

    fn escape(&mut self) -> Option<char> {
        let byte = self.peek();
        self.at += 1;
        Some(match byte {
            b'"' | b'\\' | b'/' => byte as char,
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.hex()?;
                match unit {
                    0xD800..0xDC00 => {
                        let low = (self.eat(b'\\') && self.eat(b'u')).then(|| self.hex())??;
                        let low = low.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
                        char::from_u32(0x10000 + ((unit - 0xD800) << 10) + low)?
                    }
                    _ => char::from_u32(unit)?,
                }
            }
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit * 16 + (self.peek() as char).to_digit(16)?;
            self.at += 1;
        }
        Some(unit)
    }
}

struct Buffer {
    bytes: [u8; MAX_NAME],
    len: usize,
    fits: bool,
}

impl Buffer {
    fn push(&mut self, byte: u8) {
        match self.bytes.get_mut(self.len) {
            Some(slot) => {
                *slot = byte;
                self.len += 1;
            }
            None => self.fits = false,
        }
    }

    fn push_char(&mut self, c: char) {
        let mut utf8 = [0; 4];
        c.encode_utf8(&mut utf8).bytes().for_each(|byte| self.push(byte));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::{string::String, vec::Vec};

    fn groups(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        Groups::of(Value::Text(text)).any(|name| {
            all.push(String::from(name));
            false
        });
        all
    }

    #[test]
    fn a_json_list_is_its_strings_and_any_other_text_is_one_group() {
        assert_eq!(groups(r#"["Red", "Blue"]"#), ["Red", "Blue"]);
        assert_eq!(groups(r#" [ "A\u00e9\n\"" , 1, null, {"x": ["no"]}, ["no"], "\ud83d\ude00" ] "#), ["Aé\n\"", "😀"]);
        assert_eq!(groups("Red,Blue"), ["Red,Blue"]);
        assert_eq!(groups("[]"), Vec::<String>::new());
        assert_eq!(groups(""), Vec::<String>::new());
        for broken in ["[", "[\"a\"", "[\"a\",]", "[\"a\"] x", "[\"\\x\"]", "[01]", "[\"\\ud83d\"]", "[tru]", "[1.]"] {
            assert_eq!(groups(broken), [broken], "no JSON, so one group");
        }
    }

    #[test]
    fn deep_nesting_and_long_names_end_quickly() {
        let deep = "[".repeat(10_000);
        assert_eq!(groups(&deep), [deep.as_str()]);
        let long = std::format!("[\"{}\", \"A\"]", "x".repeat(MAX_NAME + 1));
        assert_eq!(groups(&long), ["A"]);
        assert!(Groups::of(Value::Text(&"x".repeat(MAX_CLAIM + 1))).is_empty());
    }
}
