//! Where things stand in a JSON text, which its values do not say.
//! Always: the text has been read as JSON before; a path that is not there gives the nearest place above it.

use admit_syntax::ast::Span;

/// The place of a member's key, or of an element, by the keys and positions that lead there.
pub fn place(text: &str, path: &[String]) -> Span {
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    let mut found = Span::default();
    for step in path {
        match scan.enter(text, step) {
            Some(span) => found = span,
            None => break,
        }
    }
    found
}

struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Scan<'_> {
    fn blank(&mut self) {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':');
        while self.bytes.get(self.at).is_some_and(is_blank) {
            self.at += 1;
        }
    }

    /// Passes one value, and gives its place.
    fn value(&mut self) -> Span {
        self.blank();
        let start = self.at;
        let mut depth = 0usize;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => self.text(),
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 0 => break,
                b'}' | b']' => depth -= 1,
                b',' | b':' | b' ' | b'\n' if depth == 0 => break,
                _ => (),
            }
            self.at += 1;
            if depth == 0 && matches!(self.bytes[self.at - 1], b'"' | b'}' | b']') {
                break;
            }
        }
        Span::new(start, self.at)
    }

    /// To the closing quote of a text.
    fn text(&mut self) {
        self.at += 1;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.at += 1,
                b'"' => return,
                _ => (),
            }
            self.at += 1;
        }
    }

    /// Goes to the value of a key, or to an element, of the value that begins here.
    fn enter(&mut self, text: &str, step: &str) -> Option<Span> {
        self.blank();
        let object = *self.bytes.get(self.at).filter(|byte| matches!(byte, b'{' | b'['))? == b'{';
        self.at += 1;
        for number in 0usize.. {
            self.blank();
            if self.bytes.get(self.at).is_none_or(|byte| matches!(byte, b'}' | b']')) {
                return None;
            }
            let before = self.at;
            let span = self.value();
            if object {
                let key: Option<String> = serde_json::from_str(text.get(span.range())?).ok();
                if key? == step {
                    return Some(span);
                }
                self.value();
            } else if number.to_string() == step {
                self.at = before;
                return Some(span);
            }
            if self.at == before {
                return None;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_place_is_found_by_its_path() {
        let text = r#"{ "x": {"b": [1, {"c": "}\""}], "a": 2}, "b": [ {"c": 1}, [2, "a"], {"a" : {}} ] }"#;
        let at = |path: &[&str]| {
            let path: Vec<String> = path.iter().map(|step| (*step).to_owned()).collect();
            let span = place(text, &path);
            (span.start, &text[span.range()])
        };
        assert_eq!(at(&["x", "a"]), (32, "\"a\""));
        assert_eq!(at(&["x", "b", "1", "c"]), (18, "\"c\""));
        assert_eq!(at(&["b", "0"]), (48, r#"{"c": 1}"#));
        assert_eq!(at(&["b", "2", "a"]), (69, "\"a\""));
        assert_eq!(at(&["b", "7"]), (41, "\"b\"")); // the nearest above
        assert_eq!(at(&["nothing"]), (0, ""));
    }
}
