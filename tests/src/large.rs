//! A policy as large as they come: 10,000 groups, 2,000 models, 20,000 rules.
//! Always: the same text, so that measurements of different days can be compared.

use std::fmt::Write;

/// The policy's text: `models` models of ten rules each, over `groups` groups.
pub fn policy(groups: usize, models: usize) -> String {
    let mut out = String::from("auth {\n  loginWith: { email: true }\n  groups: [\n");
    for group in 0..groups {
        let _ = writeln!(out, "    \"GROUP_{group}\",");
    }
    out.push_str("  ]\n}\n");
    for model in 0..models {
        let _ = writeln!(out, "\nmodel Model{model} {{\n  title: string\n  body: string\n  author: string");
        // Eight rules for eight blocks of groups, no two models alike, and two rules about the record.
        for rule in 0..8 {
            let names: Vec<String> =
                (0..3).map(|at| format!("\"GROUP_{}\"", (model * 24 + rule * 3 + at) % groups.max(1))).collect();
            let to = [".to([\"read\"])", ".to([\"read\", \"update\"])", "", ".to([\"create\", \"get\"])"][rule % 4];
            let _ = writeln!(out, "  allow.groups([{}]){to}", names.join(", "));
        }
        out.push_str("  allow.ownerDefinedIn(\"author\")\n  allow.guest().to([\"read\"])\n}\n");
    }
    out
}

/// Checks, builds and loads the largest policy, and says how long each step took and how much memory all took.
///
/// # Errors
/// If some step fails, which it must not.
pub fn measure() -> Result<String, String> {
    use std::time::Instant;
    let mut out = String::new();
    let mut say = |what: &str, since: Instant, result: String| {
        let _ = writeln!(out, "{what:<8}{:>8.0} ms   {result}", since.elapsed().as_secs_f64() * 1e3);
    };
    let text = policy(10_000, 2_000);
    let size = text.len();
    let start = Instant::now();
    let checked = admit_compiler::check(&[admit_compiler::Source { name: "large.policy".into(), text: text.into() }]);
    let policy = checked.policy.ok_or_else(|| format!("{:?}", checked.diagnostics))?;
    let rules = policy.rules().count();
    let counts = format!("{} groups, {} models, {rules} rules, {size} bytes", policy.groups.len(), policy.models.len());
    say("check", start, counts);
    let start = Instant::now();
    let bytes = admit_compiler::table(&policy, false).map_err(|error| error.to_string())?;
    let stripped = admit_compiler::table(&policy, true).map_err(|error| error.to_string())?;
    say("build", start, format!("table of {} bytes, and stripped of {}", bytes.len(), stripped.len()));
    let start = Instant::now();
    admit_runtime::Policy::from_bytes(&bytes).map_err(|error| error.to_string())?;
    say("load", start, "every byte checked".into());
    let start = Instant::now();
    let formatted = admit_syntax::format(&self::policy(10_000, 2_000)).map_err(|error| error.to_string())?;
    say("format", start, format!("{} bytes, proved to say the same", formatted.len()));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map_or("not known here", str::trim);
    let _ = writeln!(out, "memory  {peak} at the peak");
    Ok(out)
}
