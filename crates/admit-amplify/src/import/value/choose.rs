//! What decides between values: truth and equality, as JavaScript has them.

use super::{Made, Result, Value, Values};
use crate::import::tree::{Expr, Kind};

/// A value that can be compared.
#[derive(PartialEq)]
enum Plain {
    Text(String),
    Number(f64),
    Bool(bool),
    Null,
    Undefined,
}

impl Value<'_> {
    /// The number that it is.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Value::Expr(Expr { kind: Kind::Number(number), .. }, _) | Value::Made(Made::Number(number), _) => {
                Some(*number)
            }
            _ => None,
        }
    }

    /// `null` or `undefined`, for a value that was followed.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(
            self,
            Value::Expr(Expr { kind: Kind::Null | Kind::Undefined, .. }, _) | Value::Made(Made::Undefined, _)
        )
    }
}

impl<'p> Values<'p> {
    /// A whole number from 0.
    pub fn whole_number(&self, value: &Value<'p>) -> Option<u64> {
        let number = self.resolve(value).ok()?.number()?;
        (number.fract() == 0.0 && (0.0..1e9).contains(&number)).then_some(number as u64)
    }

    /// Whether it is `true` or `false`; none for anything else.
    pub fn is_true(&self, value: &Value<'p>) -> Option<bool> {
        match self.resolve(value).ok()? {
            Value::Expr(Expr { kind: Kind::Bool(yes), .. }, _) => Some(*yes),
            Value::Made(Made::Bool(yes), _) => Some(yes),
            _ => None,
        }
    }

    /// Whether a condition takes the value for true.
    pub(super) fn truth(&self, value: &Value<'p>, depth: usize) -> Result<bool> {
        let value = self.follow(value.clone(), depth)?;
        match &value {
            Value::Expr(Expr { kind: Kind::List(_) | Kind::Object(_) | Kind::Function(_), .. }, _)
            | Value::Made(Made::List(_) | Made::Object(_), _)
            | Value::Module(..) => Ok(true),
            _ => match self.plain(&value, depth)? {
                Plain::Text(text) => Ok(!text.is_empty()),
                Plain::Number(number) => Ok(number != 0.0 && !number.is_nan()),
                Plain::Bool(yes) => Ok(yes),
                Plain::Null | Plain::Undefined => Ok(false),
            },
        }
    }

    /// Whether two values are one, as `===` has it. Lists and objects are not compared.
    pub(super) fn equal(&self, left: &Value<'p>, right: &Value<'p>, depth: usize) -> Result<bool> {
        let [left, right] = [left, right].map(|one| {
            let value = self.follow(one.clone(), depth)?;
            self.plain(&value, depth)
        });
        Ok(left? == right?)
    }

    fn plain(&self, value: &Value<'p>, depth: usize) -> Result<Plain> {
        Ok(match value {
            Value::Expr(expr, _) => match &expr.kind {
                Kind::Text(_) | Kind::Sum(_) | Kind::Template(_) => Plain::Text(self.joined(value, depth)?),
                Kind::Number(number) => Plain::Number(*number),
                Kind::Bool(yes) => Plain::Bool(*yes),
                Kind::Null => Plain::Null,
                Kind::Undefined => Plain::Undefined,
                _ => return Err(value.computed()),
            },
            Value::Made(Made::Text(text), _) => Plain::Text(text.to_string()),
            Value::Made(Made::Number(number), _) => Plain::Number(*number),
            Value::Made(Made::Bool(yes), _) => Plain::Bool(*yes),
            Value::Made(Made::Undefined, _) => Plain::Undefined,
            _ => return Err(value.computed()),
        })
    }
}
