//! The names of things on AWS, as IAM writes them.
//! Always: what a policy takes literally is literal in IAM: `*`, `?` and `$` of a path are escaped.

/// How IAM writes the caller's identity of the identity pool.
pub const IDENTITY: &str = "${cognito-identity.amazonaws.com:sub}";

/// One part of a key's path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Segment {
    /// This text.
    Text(String),
    /// The caller's identity.
    Own,
    /// Whatever it is.
    Any,
}

/// A resource of a statement.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Arn<'p> {
    /// The keys of a bucket below a prefix.
    Keys(&'p str, Vec<Segment>),
    /// Something with an ARN of its own.
    Thing(Thing<'p>),
    /// An ARN as written.
    Written(String),
}

/// Something whose ARN only the account knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Thing<'p> {
    /// A bucket.
    Bucket(&'p str),
    /// The user pool.
    UserPool,
    /// The fields of one root type of the API.
    Api(&'p str),
}

/// A prefix as IAM's patterns write it: literal but for the caller's identity.
///
/// ```
/// use admit_amplify::emit::arn::{Segment, pattern};
/// let prefix = [Segment::Text("a?$".into()), Segment::Own];
/// assert_eq!(pattern(&prefix), "a${?}${$}/${cognito-identity.amazonaws.com:sub}/");
/// ```
pub fn pattern(prefix: &[Segment]) -> String {
    let mut out = String::new();
    for segment in prefix {
        match segment {
            Segment::Own => out += IDENTITY,
            Segment::Any => out.push('*'),
            Segment::Text(text) => {
                for c in text.chars() {
                    match c {
                        '*' | '?' | '$' => out.extend(['$', '{', c, '}']),
                        c => out.push(c),
                    }
                }
            }
        }
        out.push('/');
    }
    out
}
