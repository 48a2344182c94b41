//! The server of `docs/getting-started.md`: built, started with a table, and asked what the page says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const GUIDE: &str = include_str!("../../docs/getting-started.md");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn block(language: &str) -> &'static str {
    let start = GUIDE.find(&format!("```{language}\n")).unwrap() + language.len() + 4;
    &GUIDE[start..start + GUIDE[start..].find("```").unwrap()]
}

#[test]
fn the_guide_shows_the_example() {
    let example = std::fs::read_to_string(root().join("crates/admit-runtime/examples/server.rs")).unwrap();
    assert_eq!(block("rust"), example);
}

/// The running server; stopped when the test ends, however it ends.
struct Server {
    child: Child,
    address: String,
    table: PathBuf,
}

impl Server {
    fn start() -> Server {
        let build = ["build", "--locked", "-p", "admit-runtime", "--example", "server", "--features", "serde_json"];
        let built = Command::new(env!("CARGO"))
            .args(build)
            .args(["--message-format", "json"])
            .current_dir(root())
            .stderr(Stdio::null())
            .output()
            .unwrap();
        assert!(built.status.success());
        let messages = String::from_utf8_lossy(&built.stdout);
        let executable = messages.lines().find_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            message["executable"].as_str().map(str::to_owned)
        });
        let table = std::env::temp_dir().join(format!("admit-server-{}.table", std::process::id()));
        std::fs::write(&table, admit_tests::compare::policy_of(block("policy")).unwrap()).unwrap();
        let mut child = Command::new(executable.unwrap())
            .arg(&table)
            .arg("127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Server { child, address, table }
    }

    fn ask(&self, method: &str, path: &str, claims: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let claims = if claims.is_empty() { String::new() } else { format!("x-claims: {claims}\r\n") };
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\n{claims}content-length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        format!("{} {body}", head.split(' ').nth(1).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.table);
    }
}

#[test]
fn the_server_answers_as_the_guide_says() {
    let server = Server::start();
    let eve = r#"{"sub":"1","username":"eve"}"#;
    let editor = r#"{"sub":"2","username":"ed","cognito:groups":["EDITORS"]}"#;
    let said = [
        server.ask("POST", "/posts", eve, r#"{"title":"Hello","notes":"a draft"}"#),
        server.ask("GET", "/posts", "", ""),
        server.ask("PUT", "/posts/1", editor, r#"{"title":"Hello, world"}"#),
        server.ask("DELETE", "/posts/1", editor, ""),
        server.ask("PUT", "/posts/1", "", r#"{"title":"mine"}"#),
        server.ask("POST", "/posts", "", r#"{"title":"x"}"#),
        server.ask("GET", "/posts/1", "not json", ""),
        server.ask("GET", "/posts/9", eve, ""),
        server.ask("DELETE", "/posts/1", eve, ""),
        server.ask("GET", "/posts", eve, ""),
    ];
    insta::assert_snapshot!(said.join("\n"));
}
