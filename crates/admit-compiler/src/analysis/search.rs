//! Finds a request that makes a formula true, or shows that there is none.
//! Always: counted in steps, so that every machine answers alike; what is found has been confirmed by the definition.

use super::formula::{Formula, Leaf, Wanted};
use super::scene::{Scene, Var};
use crate::condition::Truth;

/// The most steps of one query.
pub const BUDGET: usize = 100_000;
/// The most steps of one of the many small questions of a report, where what is left open is kept.
pub(crate) const SMALL: usize = 1_000;
/// How many values something is taken to have that is not just so or not.
const MANY: usize = 6;

/// What came of a search.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// The scene holds it.
    Yes,
    /// Nothing makes it true.
    No,
    /// The steps were used up.
    OutOfSteps,
    /// Something seemed to, and the definition said otherwise.
    Unconfirmed,
}

/// Looks for a request; `confirm` asks the definition, and may mend the scene where the formula leaves a choice.
pub(crate) fn search(
    scene: &mut Scene<'_>,
    formula: &Formula,
    budget: usize,
    confirm: &mut dyn FnMut(&mut Scene<'_>) -> bool,
) -> Found {
    let mut search = Search { scene, confirm, budget, steps: 0, unconfirmed: 0 };
    match search.solve(vec![formula]) {
        true => Found::Yes,
        false if search.steps >= budget => Found::OutOfSteps,
        false if search.unconfirmed > 0 => Found::Unconfirmed,
        false => Found::No,
    }
}

struct Search<'s, 'p> {
    scene: &'s mut Scene<'p>,
    confirm: &'s mut dyn FnMut(&mut Scene<'_>) -> bool,
    budget: usize,
    steps: usize,
    unconfirmed: usize,
}

impl Search<'_, '_> {
    /// Whether all of it can be true.
    fn solve(&mut self, pending: Vec<&Formula>) -> bool {
        self.steps += 1;
        if self.steps >= self.budget {
            return false;
        }
        let Some(open) = self.simplified(pending) else { return false };
        if open.is_empty() {
            let saved = self.scene.save();
            if (self.confirm)(self.scene) {
                return true;
            }
            self.unconfirmed += 1;
            self.scene.restore(saved);
            return false;
        }
        // Whatever leaves the fewest ways to go on: a choice of parts, or the values of something that a leaf reads; of
        // leaves the one that is decided soonest, so that what cannot be is not tried with everything that others read.
        let size = |formula: &Formula| match formula {
            Formula::Leaf(leaf, _) => {
                let ways = match self.scene.unassigned(leaf) {
                    Some(Var::Group(_) | Var::GroupOf(..) | Var::Malformed(_) | Var::SomeGroup) => 2,
                    _ => MANY,
                };
                (ways, self.scene.open(leaf))
            }
            Formula::Any(parts) | Formula::All(parts) => (parts.len(), 0),
        };
        let Some(at) = (0..open.len()).min_by_key(|at| (size(open[*at]), *at)) else { return false };
        match open[at] {
            Formula::Leaf(leaf, _) => {
                let Some(var) = self.scene.unassigned(leaf).cloned() else { return false };
                for value in self.scene.candidates(&var) {
                    let saved = self.scene.save();
                    self.scene.assign(&var, value);
                    if self.solve(open.clone()) {
                        return true;
                    }
                    self.scene.restore(saved);
                }
                false
            }
            Formula::All(parts) | Formula::Any(parts) => {
                let rest: Vec<&Formula> =
                    (0..open.len()).filter(|other| *other != at).map(|other| open[other]).collect();
                let known = Known::of(&rest);
                for part in parts {
                    if self.value(part, &known) == Some(false) {
                        continue;
                    }
                    let mut next = rest.clone();
                    next.push(part);
                    if self.solve(next) {
                        return true;
                    }
                }
                false
            }
        }
    }

    /// What is still open, each of which must be true; none if something is false. What leaves must be is told on, until
    /// nothing follows from it any more.
    fn simplified<'f>(&self, mut pending: Vec<&'f Formula>) -> Option<Vec<&'f Formula>> {
        let mut known = Known::default();
        loop {
            let mut open: Vec<&Formula> = Vec::new();
            let mut told = known.clone();
            while let Some(formula) = pending.pop() {
                if let Formula::Leaf(leaf, wanted) = formula {
                    match self.scene.truth(leaf) {
                        Some(truth) if wanted.has(truth) => (),
                        Some(_) => return None,
                        None if known.left(self.scene, leaf).both(*wanted).is_none() => return None,
                        None if told.add(leaf, *wanted) => open.push(formula),
                        None => return None,
                    }
                    continue;
                }
                match self.value(formula, &known) {
                    Some(true) => continue,
                    Some(false) => return None,
                    None => (),
                }
                match formula {
                    Formula::All(parts) => pending.extend(parts),
                    Formula::Any(parts) => {
                        let mut possible = parts.iter().filter(|part| self.value(part, &known) != Some(false));
                        match (possible.next(), possible.next()) {
                            (Some(only), None) => pending.push(only),
                            _ => open.push(formula),
                        }
                    }
                    Formula::Leaf(..) => (),
                }
            }
            open.reverse();
            if told == known {
                return Some(open);
            }
            (pending, known) = (open, told);
        }
    }

    /// What a formula comes to, by what is assigned and what leaves must be; none while that is open.
    fn value(&self, formula: &Formula, known: &Known<'_>) -> Option<bool> {
        match formula {
            Formula::Leaf(leaf, wanted) => match self.scene.truth(leaf) {
                Some(truth) => Some(wanted.has(truth)),
                None => {
                    let left = known.left(self.scene, leaf);
                    match (left.both(*wanted).is_none(), left.both(*wanted) == left) {
                        (true, _) => Some(false),
                        (false, true) => Some(true),
                        _ => None,
                    }
                }
            },
            Formula::All(parts) => {
                let mut all = Some(true);
                for part in parts {
                    match self.value(part, known) {
                        Some(false) => return Some(false),
                        Some(true) => (),
                        None => all = None,
                    }
                }
                all
            }
            Formula::Any(parts) => {
                let mut any = Some(false);
                for part in parts {
                    match self.value(part, known) {
                        Some(true) => return Some(true),
                        Some(false) => (),
                        None => any = None,
                    }
                }
                any
            }
        }
    }
}

/// What leaves must be, for what must be true to be so.
#[derive(Clone, Default, PartialEq)]
struct Known<'f>(Vec<(&'f Leaf, Wanted)>);

impl<'f> Known<'f> {
    /// By the leaves among some formulas, each of which must be true.
    fn of(formulas: &[&'f Formula]) -> Known<'f> {
        let mut known = Known::default();
        for formula in formulas {
            if let Formula::Leaf(leaf, wanted) = formula {
                known.add(leaf, *wanted);
            }
        }
        known
    }

    /// Adds one; false if it cannot be.
    fn add(&mut self, leaf: &'f Leaf, wanted: Wanted) -> bool {
        match self.0.iter_mut().find(|(of, _)| *of == leaf) {
            Some((_, left)) => {
                *left = left.both(wanted);
                !left.is_none()
            }
            None => {
                self.0.push((leaf, wanted));
                !wanted.is_none()
            }
        }
    }

    /// What a leaf can still come to.
    fn left(&self, scene: &Scene<'_>, leaf: &Leaf) -> Wanted {
        let mut left = Wanted::any();
        for (of, wanted) in &self.0 {
            let is_true = *wanted == Wanted::only(Truth::True);
            if *of == leaf || (is_true && scene.follows(leaf, of)) {
                left = left.both(*wanted);
            } else if !wanted.has(Truth::True) && scene.follows(of, leaf) {
                left = left.without(Truth::True);
            }
        }
        left
    }
}
