//! Requests that show something, written plainly: made-up values become ones that people read.
//! Always: what a request showed before, it shows still.

use crate::definition::{Question, Record, Stored, Target, Value};
use std::collections::BTreeSet;

/// What made-up texts begin with, or hold.
const MARK: char = '~';

/// Gives made-up values plain names, one after the other, where `shows` is content with them.
pub(crate) fn written(requests: &mut Vec<Question>, shows: &mut dyn FnMut(&mut [Question]) -> bool) {
    let mut try_out = |requests: &mut Vec<Question>, change: &dyn Fn(&mut Question)| {
        let mut plain = requests.clone();
        plain.iter_mut().for_each(change);
        let is_so = plain != *requests && shows(&mut plain);
        if is_so {
            *requests = plain;
        }
        is_so
    };
    for text in texts(requests).into_iter().filter(|text| text.contains(MARK) || text.starts_with("own-")) {
        let used = texts(requests);
        let is =
            |claim: &str| requests.iter().any(|one| one.caller.claims.get(claim) == Some(&Value::Text(text.clone())));
        let names = ["1", "eve", "acme", "umbrella", "x", "y", "z"];
        let start = if is("sub") { 0 } else { 2 - usize::from(is("username")) };
        for name in names[start..].iter().filter(|name| !used.contains(**name)) {
            if try_out(requests, &|one| replace(one, &text, name)) {
                break;
            }
        }
    }
    // A value of a wrong type is as unknown as none.
    try_out(requests, &|one| {
        for value in one.input.iter_mut().flat_map(|input| input.values_mut()).filter(|value| **value == Value::Object)
        {
            *value = Value::Null;
        }
    });
    try_out(requests, &|one| {
        if let Target::Storage { key, .. } = &mut one.target {
            *key = key.replace(MARK, "file");
        }
    });
}

/// Every text of requests: of claims, records and inputs.
fn texts(requests: &[Question]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for one in requests {
        let stored = if let Stored::Given(record) = &one.stored { Some(record) } else { None };
        let records = [Some(&one.caller.claims), stored, one.input.as_ref()];
        for value in records.into_iter().flatten().flat_map(|record| record.values()) {
            collect(value, &mut all);
        }
    }
    all
}

fn collect(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Text(text) => drop(into.insert(text.clone())),
        Value::List(items) => items.0.iter().for_each(|item| collect(item, into)),
        _ => (),
    }
}

/// Puts one text in place of another, wherever it stands: as a value, or as a part of a key.
fn replace(question: &mut Question, from: &str, to: &str) {
    replace_in(&mut question.caller.claims, from, to);
    if let Stored::Given(record) = &mut question.stored {
        replace_in(record, from, to);
    }
    if let Some(input) = &mut question.input {
        replace_in(input, from, to);
    }
    if let Target::Storage { key, .. } = &mut question.target {
        let parts = key.split('/').map(|part| if part == from { to } else { part });
        *key = parts.collect::<Vec<_>>().join("/");
    }
}

fn replace_in(record: &mut Record, from: &str, to: &str) {
    record.values_mut().for_each(|value| replace_value(value, from, to));
}

fn replace_value(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::Text(text) if text == from => to.clone_into(text),
        Value::List(items) => items.0.iter_mut().for_each(|item| replace_value(item, from, to)),
        _ => (),
    }
}
