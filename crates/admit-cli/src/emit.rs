//! `admit emit`: what AWS is to enforce, written from a policy.

use crate::{Failure, Outcome, build, files, render};
use admit_amplify::emit::{Account, Emitted, Form, emit};
use clap::{Args, ValueEnum};

/// Write what makes AWS enforce a policy
#[derive(Args)]
#[command(after_help = "Examples:
  admit emit iam app.policy                                # per role: policies, size, trust
  admit emit iam app.policy --bucket media=my-media-bucket
  admit emit cloudformation policies/ --out roles.template.json
  admit emit amplify-outputs app.policy --region eu-central-1
  admit emit graphql app.policy > schema.graphql")]
pub struct Emit {
    /// What to write
    #[arg(value_enum)]
    form: What,
    /// Policy files, directories, or `-` for standard input
    #[arg(required = true)]
    files: Vec<String>,
    /// Where to write it; standard output if left out
    #[arg(short, long)]
    out: Option<String>,
    /// What a bucket of the policy is called on AWS
    #[arg(long = "bucket", value_name = "NAME=BUCKET")]
    buckets: Vec<String>,
    /// The user pool's ARN
    #[arg(long, value_name = "ARN")]
    user_pool: Option<String>,
    /// The identity pool's id
    #[arg(long, value_name = "ID")]
    identity_pool: Option<String>,
    /// The GraphQL API's ARN
    #[arg(long, value_name = "ARN")]
    api: Option<String>,
    /// The region, for Amplify's outputs
    #[arg(long)]
    region: Option<String>,
    /// How many managed policies the account may attach to a role
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u8).range(10..=20))]
    managed_policies: u8,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Per role the IAM policies, their size and the trust policy
    Iam,
    /// A template: user pool groups, roles and their attachment
    #[value(name = "cloudformation")]
    CloudFormation,
    /// The auth and storage parts of amplify_outputs.json
    AmplifyOutputs,
    /// The schema with its rules as @auth
    #[value(name = "graphql")]
    GraphQl,
}

impl Emit {
    pub fn run(&self) -> Result<Outcome, Failure> {
        let sources = files::read_sources(&self.files)?;
        let Some(policy) = files::compile(&sources, false) else { return Ok(Outcome::Problems) };
        let mut account = Account {
            user_pool: self.user_pool.clone(),
            identity_pool: self.identity_pool.clone(),
            api: self.api.clone(),
            region: self.region.clone(),
            managed_policies: usize::from(self.managed_policies),
            ..Account::default()
        };
        for given in &self.buckets {
            let named = given.split_once('=').filter(|(name, to)| !name.is_empty() && !to.is_empty());
            let (name, to) = named.ok_or_else(|| Failure::Usage(format!("`--bucket {given}`: write NAME=BUCKET")))?;
            if !policy.buckets.iter().any(|bucket| bucket.name == name) {
                return Err(Failure::Usage(format!("`--bucket {given}`: the policy has no bucket `{name}`")));
            }
            account.buckets.insert(name.to_owned(), to.to_owned());
        }
        let form = match self.form {
            What::Iam => Form::Iam,
            What::CloudFormation => Form::CloudFormation,
            What::AmplifyOutputs => Form::AmplifyOutputs,
            What::GraphQl => Form::GraphQl,
        };
        let Emitted { text, diagnostics } = files::working("writing", || emit(&policy, &sources, form, &account));
        render::to_stderr(&sources, &diagnostics);
        let Some(text) = text else { return Ok(Outcome::Problems) };
        match &self.out {
            None => crate::print(text.trim_end())?,
            Some(path) => {
                build::write(path, text.as_bytes()).map_err(|error| Failure::File { path: path.clone(), error })?
            }
        }
        Ok(Outcome::Clean)
    }
}
