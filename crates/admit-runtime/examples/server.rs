//! A small HTTP server that loads a table at startup and answers with it: `server app.table 127.0.0.1:8080`.
//!
//! It stands behind a gateway that has verified the caller's token and passes its claims on as JSON in the header
//! `x-claims`. Without that header the caller is a guest. Posts live in memory.
use admit_runtime::{Action, Decision, Effect, Policy, Principal, Request, Shown};
use serde_json::{Map, Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

type Post = Map<String, Value>;

/// The actions on posts, by name, once: a misspelt one stops the server at its start.
struct Actions {
    list: Action,
    get: Action,
    create: Action,
    update: Action,
    delete: Action,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, table, address] = args.as_slice() else { return Err("usage: server TABLE ADDRESS".into()) };
    let bytes = std::fs::read(table)?;
    let policy = Policy::from_bytes(&bytes)?; // checks every byte, once
    let actions = Actions {
        list: policy.action("Post", "list")?,
        get: policy.action("Post", "get")?,
        create: policy.action("Post", "create")?,
        update: policy.action("Post", "update")?,
        delete: policy.action("Post", "delete")?,
    };
    let mut posts: Vec<Post> = Vec::new();
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        // A caller who sends nonsense, or hangs up, does not stop the server.
        if let Err(error) = serve(stream?, &policy, &actions, &mut posts) {
            eprintln!("{error}");
        }
    }
    Ok(())
}

fn serve(stream: TcpStream, policy: &Policy, actions: &Actions, posts: &mut Vec<Post>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?.take(64 * 1024));
    let mut line = String::new();
    lines.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (mut claims, mut length, mut known) = (Value::Null, 0, true);
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "x-claims" => match serde_json::from_str(value.trim()) {
                Ok(Value::Object(object)) => claims = Value::Object(object),
                _ => known = false,
            },
            _ => (),
        }
    }
    let mut body = vec![0; usize::min(length, 64 * 1024)];
    lines.read_exact(&mut body)?;
    let principal = match &claims {
        _ if !known => return reply(stream, 400, &json!({"error": "x-claims is no JSON object"})),
        Value::Null => Ok(policy.guest()),
        claims => policy.user(claims), // once a token
    };
    let (status, answer) = match principal {
        Ok(principal) => respond(policy, actions, posts, &principal, &method, &path, &body),
        Err(error) => (403, json!({"error": error.to_string()})),
    };
    reply(stream, status, &answer)
}

fn respond(
    policy: &Policy,
    actions: &Actions,
    posts: &mut Vec<Post>,
    caller: &Principal,
    method: &str,
    path: &str,
    body: &[u8],
) -> (u16, Value) {
    let input: Post = serde_json::from_slice(body).unwrap_or_default();
    let Some(id) = path.strip_prefix("/posts") else { return (404, json!({"error": "there is /posts"})) };
    let place = posts.iter().position(|post| post.get("id").and_then(Value::as_str) == id.strip_prefix('/'));
    match (method, place) {
        ("GET", _) if id.is_empty() => {
            let request = Request::new();
            let decision = policy.decide(caller, actions.list, &request);
            if !decision.is_allowed() {
                return refused(&decision);
            }
            // The decision's filter says which posts; each one's fields are shown as far as they may be.
            let passes = |post: &&Post| decision.filter().is_none_or(|filter| filter.matches(*post));
            (200, posts.iter().filter(passes).map(|post| shown(&decision, post)).collect())
        }
        ("POST", _) if id.is_empty() => {
            let request = Request::new().input(&input);
            let decision = policy.decide(caller, actions.create, &request);
            if !decision.is_allowed() {
                return refused(&decision);
            }
            let mut post = input.clone();
            decision.each_recorded_owner(&mut |field, is_list, owner| {
                let owner = Value::from(owner.concat());
                post.insert(field.to_owned(), if is_list { json!([owner]) } else { owner });
            });
            post.insert("id".into(), Value::from((posts.len() + 1).to_string()));
            posts.push(post.clone());
            (201, shown(&decision, &post))
        }
        (_, None) => (404, json!({"error": "no such post"})),
        ("GET", Some(place)) => {
            let request = Request::on(&posts[place]);
            let decision = policy.decide(caller, actions.get, &request);
            if decision.is_allowed() { (200, shown(&decision, &posts[place])) } else { refused(&decision) }
        }
        ("PUT", Some(place)) => {
            let before = posts[place].clone();
            let request = Request::on(&before).input(&input);
            let decision = policy.decide(caller, actions.update, &request);
            if !decision.is_allowed() {
                return refused(&decision);
            }
            posts[place].extend(input.clone());
            (200, shown(&decision, &posts[place]))
        }
        ("DELETE", Some(place)) => {
            let before = posts[place].clone();
            let request = Request::on(&before);
            let decision = policy.decide(caller, actions.delete, &request);
            if !decision.is_allowed() {
                return refused(&decision);
            }
            posts.remove(place);
            (200, shown(&decision, &before))
        }
        _ => (405, json!({"error": "GET, POST, PUT or DELETE"})),
    }
}

/// A post with the fields that the caller may see.
fn shown(decision: &Decision, post: &Post) -> Value {
    let may_see = |field: &str| match decision.field(field) {
        Shown::Always => true,
        Shown::Never => false,
        Shown::If(filter) => filter.matches(post),
    };
    post.iter().filter(|(field, _)| may_see(field)).map(|(field, value)| (field.clone(), value.clone())).collect()
}

/// A denial, with what it rests on.
fn refused(decision: &Decision) -> (u16, Value) {
    let mut fields: Vec<String> = Vec::new();
    decision.each_denied_field(&mut |field| fields.push(field.to_owned()));
    let reason = decision.reason().map(|reason| reason.name());
    let ask = decision.effect() == Effect::Ask; // only for callers of an authorizer, which this server does not have
    (403, json!({"denied": reason, "fields": fields, "ask": ask}))
}

fn reply(mut stream: TcpStream, status: u16, body: &Value) -> std::io::Result<()> {
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status} \r\ncontent-type: application/json\r\ncontent-length: {}\r\n", body.len());
    write!(stream, "{head}connection: close\r\n\r\n{body}")
}
