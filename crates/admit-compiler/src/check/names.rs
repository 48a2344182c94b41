//! Names: what a group may be called, and which names deceive the eye.
//! Always: names are compared as written, byte for byte; nothing is normalized.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// The longest name of a group, in characters.
pub const MAX_GROUP_NAME: usize = 128;

/// What is wrong with a group's name, if anything: Cognito takes letters, marks, symbols, numbers and punctuation.
pub fn group_name_fault(name: &str) -> Option<String> {
    let count = name.chars().count();
    if count == 0 {
        return Some("it is empty".into());
    }
    if count > MAX_GROUP_NAME {
        return Some(format!("it has {count} characters; the limit is {MAX_GROUP_NAME}"));
    }
    let bad = name.chars().find(|c| !may_be_in_group_name(*c))?;
    Some(match bad {
        ' ' => "a blank cannot be in it".into(),
        '"' | '\\' => format!("`{bad}` cannot be in it"),
        _ => format!("the character U+{:04X} cannot be in it", bad as u32),
    })
}

fn may_be_in_group_name(c: char) -> bool {
    use GeneralCategoryGroup::{Letter, Mark, Number, Punctuation, Symbol};
    !matches!(c, '"' | '\\') && matches!(c.general_category_group(), Letter | Mark | Number | Punctuation | Symbol)
}

/// Why a name deceives the eye, if it does.
pub fn deceit(name: &str) -> Option<String> {
    if name.is_ascii() {
        return None;
    }
    if let Some(c) = name.chars().find(|c| is_invisible(*c)) {
        return Some(format!("it holds the invisible character U+{:04X}", c as u32));
    }
    let looks = |text: &str| unicode_security::confusable_detection::skeleton(text).collect::<String>();
    if !looks(name).is_ascii() {
        return None;
    }
    let odd = name.chars().find(|c| !c.is_ascii())?;
    Some(format!("the character U+{:04X} in it looks like `{}`", odd as u32, looks(&odd.to_string())))
}

/// Characters that show nothing, or turn the direction of what follows.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_names_are_what_cognito_takes() {
        for good in ["A", "a!b@c#d", "ÄÖ", "日本", "a-b", "€", &"x".repeat(128)] {
            assert_eq!(group_name_fault(good), None, "{good}");
        }
        for bad in ["", "my group", "a\"b", "a\\b", "a\u{200b}", "a\u{7}", &"x".repeat(129)] {
            assert!(group_name_fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn names_that_look_like_others_are_found() {
        assert!(deceit("АDMINS").is_some(), "a Cyrillic A");
        assert!(deceit("a\u{200b}").is_some());
        for good in ["ADMINS", "Bücher", "日本", "группа"] {
            assert_eq!(deceit(good), None, "{good}");
        }
    }
}
