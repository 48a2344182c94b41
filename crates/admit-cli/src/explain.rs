//! `admit explain`: the page of a diagnostic.

use crate::{Failure, Outcome};
use clap::Args;

/// Print the page of a diagnostic: what it means, a wrong and a right program
#[derive(Args)]
#[command(after_help = "Examples:
  admit explain E0203
  admit explain            # every code, with its title")]
pub struct Explain {
    /// The code, such as `E0203`; without one, all are listed
    code: Option<String>,
}

impl Explain {
    pub fn run(&self) -> Result<Outcome, Failure> {
        let Some(code) = &self.code else {
            let titles = admit_compiler::codes().into_iter().filter_map(admit_compiler::page);
            let titles: Vec<&str> = titles.filter_map(|page| page.lines().next()?.strip_prefix("# ")).collect();
            crate::print(&titles.join("\n"))?;
            return Ok(Outcome::Clean);
        };
        let page = admit_compiler::page(code).ok_or_else(|| Failure::NoDiagnostic(code.clone()))?;
        crate::print(page.trim_end())?;
        Ok(Outcome::Clean)
    }
}
