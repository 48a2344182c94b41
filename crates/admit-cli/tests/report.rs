//! The page of `admit matrix --format html`, as text and in a real Chromium, and `--check` on a file that got stale.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn admit(args: &[&str]) -> (String, String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_admit")).args(args).current_dir(root()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

fn page_of(policy: &str) -> String {
    let (page, said, status) = admit(&["matrix", policy, "--format", "html"]);
    assert_eq!(status, Some(0), "{said}");
    page
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("admit-report-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_page_stands_alone_and_escapes_what_policies_say() {
    let folder = Folder::new("escapes");
    let policy = folder.file(
        "a.policy",
        "auth { groups: [\"A<script>\"] }\nmodel P {\n  s: string\n  allow.group(\"A<script>\").when(record.s == \"</script>&\")\n}\n",
    );
    let page = page_of(&policy);
    assert!(page.contains("group A&lt;script&gt;"), "{page}");
    assert_eq!(page.matches("<script").count(), 2, "only the page's own");
    assert_eq!(page.matches("</script").count(), 2, "{page}");
    assert!(page.contains("default-src 'none'") && !page.contains("http://") && !page.contains("https://"));
}

#[test]
fn a_stale_file_fails() {
    let folder = Folder::new("stale");
    let policy = "auth { groups: [\"A\"] }\nmodel P {\n  s: string\n  allow.group(\"A\").to([\"read\"])\n}\n";
    let source = folder.file("a.policy", policy);
    let (written, _, _) = admit(&["matrix", &source, "--format", "md"]);
    let kept = folder.file("ACCESS.md", &written);
    assert_eq!(admit(&["matrix", &source, "--check", &kept]).2, Some(0));
    folder.file("a.policy", &policy.replace("read", "list"));
    let (_, said, status) = admit(&["matrix", &source, "--check", &kept]);
    assert_eq!(status, Some(1));
    assert!(said.contains("ACCESS.md:") && said.contains(": stale"), "{said}");
    assert_eq!(admit(&["matrix", &source, "--check", "no-such-file"]).2, Some(2));
}

/// Three widths, search, who, click, keys and print; `ADMIT_SCREENSHOTS` names a folder to look at them in.
#[test]
#[ignore = "needs Chromium and Node: tests/browser/install.sh"]
fn the_page_serves_in_a_browser() {
    let folder = Folder::new("browser");
    for policy in ["tests/browser/desk.policy", "docs/examples/bulletin.policy"] {
        let page = folder.file("access.html", &page_of(policy));
        let mut node = Command::new("node");
        node.arg(root().join("tests/browser/report.mjs")).arg(&page);
        if policy.ends_with("desk.policy") {
            node.args(std::env::var_os("ADMIT_SCREENSHOTS"));
        }
        let output = node.output().unwrap();
        assert!(output.status.success(), "{policy}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}
