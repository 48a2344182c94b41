//! What the documentation prints under a command is what the command prints. `ADMIT_BLESS=1` writes it anew.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Pages whose ```` ```console ```` blocks run on the policies that stand before them: under the page's name, or
/// under that of their first line, `// file: NAME`.
const PAGES: [(&str, &str); 4] = [
    ("docs/cli.md", "app.policy"),
    ("docs/testing.md", "desk.policy"),
    ("docs/aws.md", "gallery.policy"),
    ("docs/analysis.md", "news.policy"),
];

/// What a command line prints, in a folder that holds the policy.
fn printed(folder: &Path, line: &str) -> String {
    let args = line.strip_prefix("$ admit ").unwrap().split(' ');
    let output = Command::new(env!("CARGO_BIN_EXE_admit")).args(args).current_dir(folder).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn pages_show_what_the_command_prints() {
    for (page, name) in PAGES {
        let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(page);
        let folder = std::env::temp_dir().join(format!("admit-page-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut actual = String::new();
        let mut ran = 0;
        for (number, block) in text.split("```").enumerate() {
            if number > 0 {
                actual.push_str("```");
            }
            if let Some(policy) = block.strip_prefix("policy\n") {
                let named = policy.lines().next().and_then(|line| line.strip_prefix("// file: "));
                std::fs::write(folder.join(named.unwrap_or(name)), policy).unwrap();
            }
            match block.strip_prefix("console\n") {
                Some(session) => {
                    let line = session.lines().next().unwrap();
                    actual.push_str(&format!("console\n{line}\n{}", printed(&folder, line)));
                    ran += 1;
                }
                None => actual.push_str(block),
            }
        }
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(ran > 0, "{page} shows no session");
        if std::env::var_os("ADMIT_BLESS").is_some() {
            std::fs::write(&path, &actual).unwrap();
        }
        assert!(actual == text || std::env::var_os("ADMIT_BLESS").is_some(), "{page} now is\n{actual}");
    }
}
