//! Methods of JavaScript on static lists, texts and objects: those that change nothing and whose result is certain.

use super::{At, Made, Problem, Property, Result, Value, Values};
use std::rc::Rc;

/// How many elements a list may come to by methods.
const MAX_LIST: usize = 20_000;
/// How often a list may be flattened at once.
const MAX_FLAT: usize = 8;

type Elements<'p> = Vec<Result<Value<'p>>>;

fn list<'p>(elements: Elements<'p>, at: At) -> Result<Value<'p>> {
    match elements.len() > MAX_LIST {
        true => Err(Problem::computed(at, "a very long list")),
        false => Ok(Value::Made(Made::List(Rc::new(elements)), at)),
    }
}

impl<'p> Values<'p> {
    /// `value.method(args)`, if this is a method of the language on a static list or text; `args` is none if some are
    /// spread.
    pub(super) fn method(
        &self,
        whole: &Value<'p>,
        value: &Value<'p>,
        method: &str,
        args: Option<Vec<Value<'p>>>,
        depth: usize,
    ) -> Option<Result<Value<'p>>> {
        if let Some(elements) = self.list_of(value, depth + 1) {
            let Some(args) = args else { return Some(Err(whole.computed())) };
            return Some(self.of_list(whole, elements, method, args, depth));
        }
        if !value.is_text() {
            return None;
        }
        let args = args?;
        let changed = |change: fn(&str) -> String| {
            let text = self.joined(value, depth + 1)?;
            match text.is_ascii() && args.is_empty() {
                true => Ok(Value::Made(Made::Text(change(&text).into()), whole.at())),
                false => Err(whole.computed()), // the tables of Unicode may differ
            }
        };
        Some(match method {
            "toUpperCase" => changed(str::to_ascii_uppercase),
            "toLowerCase" => changed(str::to_ascii_lowercase),
            "trim" => changed(|text| text.trim().to_owned()),
            _ => Err(whole.computed()),
        })
    }

    fn of_list(
        &self,
        whole: &Value<'p>,
        elements: Elements<'p>,
        method: &str,
        args: Vec<Value<'p>>,
        depth: usize,
    ) -> Result<Value<'p>> {
        let at = whole.at();
        self.step(at, depth)?;
        match (method, args.as_slice()) {
            ("at", [number]) => {
                let number = self.follow(number.clone(), depth + 1)?;
                let wanted = number.number().filter(|one| one.fract() == 0.0).ok_or_else(|| number.computed())?;
                let from_end = elements.len() as f64 + wanted;
                // From the end, every element must be known.
                if wanted < 0.0 {
                    elements.iter().try_for_each(|one| one.as_ref().map(|_| ()).map_err(Clone::clone))?;
                }
                let place = if wanted < 0.0 { from_end } else { wanted };
                self.nth(elements, if place < 0.0 { usize::MAX } else { place as usize }, at, depth)
            }
            ("concat", args) => {
                let mut all = elements;
                for arg in args {
                    let arg = self.follow(arg.clone(), depth + 1)?;
                    match self.list_of(&arg, depth + 1) {
                        Some(more) => all.extend(more),
                        None => all.push(Ok(arg)),
                    }
                }
                list(all, at)
            }
            ("map", [function]) => list(self.mapped(whole, elements, function, depth), at),
            ("flatMap", [function]) => {
                let mapped = self.mapped(whole, elements, function, depth);
                list(self.flat(mapped, 1, depth), at)
            }
            ("flat", []) => list(self.flat(elements, 1, depth), at),
            ("flat", [levels]) => {
                let levels = self.follow(levels.clone(), depth + 1)?;
                let number = levels.number().filter(|one| (0.0..=MAX_FLAT as f64).contains(one));
                let number = number.ok_or_else(|| levels.computed())?;
                list(self.flat(elements, number as usize, depth), at)
            }
            ("slice", []) => list(elements, at),
            ("filter", [test]) => {
                // `filter(Boolean)` keeps what is true.
                let by_truth = matches!(test, Value::Expr(expr, scope) if self.is_global(expr, scope, "Boolean"));
                let mut kept = Vec::new();
                for (number, element) in elements.into_iter().enumerate() {
                    let element = element?;
                    let keep = match by_truth {
                        true => self.is_there(&element, depth + 1)?,
                        false => {
                            let args = vec![element.clone(), Value::Made(Made::Number(number as f64), at)];
                            let answer = self.called(test, args, depth + 1).ok_or_else(|| whole.computed())??;
                            self.truth(&answer, depth + 1)?
                        }
                    };
                    if keep {
                        kept.push(Ok(element));
                    }
                }
                list(kept, at)
            }
            ("reduce", [function, first]) => {
                let mut all = first.clone();
                for (number, element) in elements.into_iter().enumerate() {
                    self.step(at, depth)?;
                    let args = vec![all, element?, Value::Made(Made::Number(number as f64), at)];
                    all = self.called(function, args, depth + 1).ok_or_else(|| whole.computed())??;
                }
                self.follow(all, depth + 1)
            }
            ("includes", [wanted]) => {
                for element in elements {
                    if self.equal(&element?, wanted, depth + 1)? {
                        return Ok(Value::Made(Made::Bool(true), at));
                    }
                }
                Ok(Value::Made(Made::Bool(false), at))
            }
            ("join", [between]) => {
                let between = self.joined(between, depth + 1)?;
                let texts = elements.into_iter().map(|one| self.joined(&one?, depth + 1));
                let text = texts.collect::<Result<Vec<String>>>()?.join(&between);
                super::gather::limited(text, at).map(|text| Value::Made(Made::Text(text.into()), at))
            }
            _ => Err(whole.computed()),
        }
    }

    /// Whether an element is kept by its truth: a rule is, and so is whatever Amplify makes.
    fn is_there(&self, value: &Value<'p>, depth: usize) -> Result<bool> {
        let value = self.follow(value.clone(), depth)?;
        match self.chain(&value) {
            Ok(chain) if !chain.links.is_empty() => match chain.root {
                Value::Given("allow", _) => Ok(true),
                _ if chain.begins("a") => Ok(true),
                _ => Err(value.computed()),
            },
            _ => self.truth(&value, depth),
        }
    }

    fn mapped(&self, whole: &Value<'p>, elements: Elements<'p>, function: &Value<'p>, depth: usize) -> Elements<'p> {
        let number = |number: usize| Value::Made(Made::Number(number as f64), whole.at());
        let one = |(place, element): (usize, Result<Value<'p>>)| {
            self.step(whole.at(), depth)?;
            self.called(function, vec![element?, number(place)], depth + 1).unwrap_or_else(|| Err(whole.computed()))
        };
        elements.into_iter().enumerate().map(one).collect()
    }

    fn flat(&self, elements: Elements<'p>, levels: usize, depth: usize) -> Elements<'p> {
        let mut flat = Vec::new();
        for element in elements {
            if flat.len() > MAX_LIST {
                break; // which is reported for the whole
            }
            let followed = element.and_then(|value| self.follow(value, depth + 1));
            match followed {
                Ok(value) => match self.list_of(&value, depth + 1).filter(|_| levels > 0) {
                    Some(inner) => flat.extend(self.flat(inner, levels - 1, depth + 1)),
                    None => flat.push(Ok(value)),
                },
                Err(problem) => flat.push(Err(problem)),
            }
        }
        flat
    }

    /// `Object.keys(value)` and its like.
    pub(super) fn of_objects(
        &self,
        whole: &Value<'p>,
        method: &str,
        args: Option<Vec<Value<'p>>>,
        depth: usize,
    ) -> Result<Value<'p>> {
        let at = whole.at();
        let Some([value]) = args.as_deref() else { return Err(whole.computed()) };
        let members = || -> Result<Vec<Property<'p>>> {
            self.step(at, depth)?;
            let value = self.follow(value.clone(), depth + 1)?;
            let mut members = self.opened(&value).ok_or_else(|| value.computed())??;
            // Keys that are numbers come first, which no name of a policy is.
            match members.iter().any(|one| one.name.starts_with(|c: char| c.is_ascii_digit())) {
                true => Err(whole.computed()),
                false => Ok(std::mem::take(&mut members)),
            }
        };
        let text = |name: &str, at| Ok(Value::Made(Made::Text(name.into()), at));
        match method {
            "freeze" | "seal" => self.follow(value.clone(), depth + 1),
            "keys" => list(members()?.into_iter().map(|one| text(&one.name, one.at)).collect(), at),
            "values" => list(members()?.into_iter().map(|one| Ok(one.value)).collect(), at),
            "entries" => {
                let pair = |one: Property<'p>| list(vec![text(&one.name, one.at), Ok(one.value)], one.at);
                list(members()?.into_iter().map(pair).collect(), at)
            }
            "fromEntries" => {
                let value = self.follow(value.clone(), depth + 1)?;
                let pairs = self.list_of(&value, depth + 1).ok_or_else(|| whole.computed())?;
                let mut made = super::gather::Members::default();
                for pair in pairs {
                    self.step(at, depth)?;
                    let pair = self.follow(pair?, depth + 1)?;
                    let parts = self.list_of(&pair, depth + 1).ok_or_else(|| pair.computed())?;
                    let [name, value] = <[_; 2]>::try_from(parts).map_err(|_| pair.computed())?;
                    let name = name?;
                    made.put(Property { name: self.joined(&name, depth + 1)?, at: name.at(), value: value? });
                }
                Ok(Value::Made(Made::Object(Rc::new(made.all)), at))
            }
            _ => Err(whole.computed()),
        }
    }
}
