//! What must be true of a request, as a formula over leaves: each a question about the request that has three answers.
//! Always: a formula says the same as the definition does; leaves are answered by the definition's own code.

use crate::condition::{Condition, Test, Truth};
use crate::definition::Spelling;
use crate::matrix::Dynamic;
use crate::policy::Who;

/// A question about a request.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Leaf {
    /// Whether the caller is in one of these groups, as a claim says and as groups act as others.
    Groups { claim: String, names: Vec<String> },
    /// Whether the caller is in some group at all, whichever.
    SomeGroup,
    /// Whether the best of the caller's groups is one of these; of none, whether the caller is in no group.
    Best { names: Vec<String> },
    /// Whether the record names the caller.
    Named { side: usize, who: Who, spelling: Spelling },
    /// The same on what is created, once owners are recorded.
    Creates { side: usize, role: Dynamic },
    /// A test of a condition.
    Test { side: usize, test: Test },
    /// Whether the input names a field.
    Proposes { side: usize, field: String },
    /// Whether the input sets a field to null.
    ProposesNull { side: usize, field: String },
    /// Whether `create` records the same owners by the policy that stands beside.
    RecordsAlike { side: usize },
}

/// The answers that are wanted of a leaf.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Wanted(u8);

impl Wanted {
    /// Just this one.
    pub fn only(truth: Truth) -> Wanted {
        Wanted(1 << truth as u8)
    }

    /// Whether a leaf that is false is never what is wanted, and one that is true is.
    pub fn is_positive(self) -> bool {
        self.has(Truth::True) && !self.has(Truth::False)
    }

    pub fn has(self, truth: Truth) -> bool {
        self.0 & (1 << truth as u8) != 0
    }

    /// All three.
    pub const fn any() -> Wanted {
        Wanted(7)
    }

    pub fn both(self, other: Wanted) -> Wanted {
        Wanted(self.0 & other.0)
    }

    pub fn without(self, truth: Truth) -> Wanted {
        Wanted(self.0 & !(1 << truth as u8))
    }

    pub fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// A combination of leaves.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Formula {
    All(Vec<Formula>),
    Any(Vec<Formula>),
    Leaf(Leaf, Wanted),
}

impl Formula {
    pub fn always() -> Formula {
        Formula::All(Vec::new())
    }

    pub fn never() -> Formula {
        Formula::Any(Vec::new())
    }

    pub fn of(holds: bool) -> Formula {
        if holds { Formula::always() } else { Formula::never() }
    }

    pub fn is(leaf: Leaf, truth: Truth) -> Formula {
        Formula::Leaf(leaf, Wanted::only(truth))
    }

    pub fn is_never(&self) -> bool {
        matches!(self, Formula::Any(parts) if parts.is_empty())
    }

    pub fn is_always(&self) -> bool {
        matches!(self, Formula::All(parts) if parts.is_empty())
    }

    /// True if each is; what is plain is left out.
    pub fn all(parts: impl IntoIterator<Item = Formula>) -> Formula {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                part if part.is_never() => return part,
                Formula::All(parts) => kept.extend(parts),
                part if kept.contains(&part) => (),
                part => kept.push(part),
            }
        }
        if kept.len() == 1 { kept.remove(0) } else { Formula::All(kept) }
    }

    /// True if one is; what is plain is left out.
    pub fn any(parts: impl IntoIterator<Item = Formula>) -> Formula {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                part if part.is_always() => return part,
                Formula::Any(parts) => kept.extend(parts),
                part if kept.contains(&part) => (),
                part => kept.push(part),
            }
        }
        if kept.len() == 1 { kept.remove(0) } else { Formula::Any(kept) }
    }

    /// True if one is. Each stays told apart, even where one is always true: who has what everybody has is said too.
    pub fn either(parts: impl IntoIterator<Item = Formula>) -> Formula {
        let mut kept: Vec<Formula> = Vec::new();
        for part in parts {
            match part {
                Formula::Any(parts) => kept.extend(parts),
                part if kept.contains(&part) => (),
                part => kept.push(part),
            }
        }
        if kept.len() == 1 { kept.remove(0) } else { Formula::Any(kept) }
    }

    pub fn and(self, other: Formula) -> Formula {
        Formula::all([self, other])
    }

    /// True where this is not.
    pub fn negated(&self) -> Formula {
        match self {
            Formula::All(parts) => Formula::any(parts.iter().map(Formula::negated)),
            Formula::Any(parts) => Formula::all(parts.iter().map(Formula::negated)),
            Formula::Leaf(leaf, wanted) => Formula::Leaf(leaf.clone(), Wanted(7 & !wanted.0)),
        }
    }

    /// With its parts in an order that does not depend on how they stood.
    pub fn ordered(self) -> Formula {
        let sorted = |parts: Vec<Formula>| -> Vec<Formula> {
            let mut parts: Vec<Formula> = parts.into_iter().map(Formula::ordered).collect();
            parts.sort();
            parts
        };
        match self {
            Formula::All(parts) => Formula::All(sorted(parts)),
            Formula::Any(parts) => Formula::Any(sorted(parts)),
            leaf => leaf,
        }
    }

    /// That a condition comes to `truth`, which is true or false, on one side's record.
    pub fn condition(condition: &Condition, truth: bool, side: usize) -> Formula {
        let each = |parts: &[Condition]| -> Vec<Formula> {
            parts.iter().map(|part| Formula::condition(part, truth, side)).collect()
        };
        match condition {
            Condition::Test(test) => Formula::is(Leaf::Test { side, test: test.clone() }, Truth::from(truth)),
            Condition::Not(of) => Formula::condition(of, !truth, side),
            Condition::All(parts) if truth => Formula::all(each(parts)),
            Condition::Any(parts) if !truth => Formula::all(each(parts)),
            Condition::All(parts) | Condition::Any(parts) => Formula::any(each(parts)),
        }
    }

    /// Calls `visit` with every leaf.
    pub fn each_leaf<'f>(&'f self, visit: &mut dyn FnMut(&'f Leaf)) {
        match self {
            Formula::All(parts) | Formula::Any(parts) => parts.iter().for_each(|part| part.each_leaf(visit)),
            Formula::Leaf(leaf, _) => visit(leaf),
        }
    }
}
