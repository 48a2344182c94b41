//! Finds a request that makes a formula true, or shows that there is none.
//! Always: counted in steps, so that every machine answers alike; what is found has been confirmed by the definition.

use super::formula::Formula;
use super::scene::Scene;

/// The most steps of one query.
pub const BUDGET: usize = 100_000;
/// The most steps of one of the many small questions of a report, where what is left open is kept.
pub(crate) const SMALL: usize = 1_000;

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
        // Leaves first, then the choice of the fewest parts.
        let size = |formula: &&Formula| match formula {
            Formula::Leaf(..) => 0,
            Formula::Any(parts) | Formula::All(parts) => parts.len(),
        };
        let Some(at) = (0..open.len()).min_by_key(|at| (size(&open[*at]), *at)) else { return false };
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
                for part in parts {
                    if self.value(part) == Some(false) {
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

    /// What is still open, each of which must be true; none if something is false.
    fn simplified<'f>(&self, mut pending: Vec<&'f Formula>) -> Option<Vec<&'f Formula>> {
        let mut open: Vec<&Formula> = Vec::new();
        while let Some(formula) = pending.pop() {
            match self.value(formula) {
                Some(true) => continue,
                Some(false) => return None,
                None => (),
            }
            match formula {
                Formula::All(parts) => pending.extend(parts),
                Formula::Any(parts) => {
                    let mut possible = parts.iter().filter(|part| self.value(part) != Some(false));
                    match (possible.next(), possible.next()) {
                        (Some(only), None) => pending.push(only),
                        _ => open.push(formula),
                    }
                }
                Formula::Leaf(..) => open.push(formula),
            }
        }
        open.reverse();
        Some(open)
    }

    /// What a formula comes to; none while that is open.
    fn value(&self, formula: &Formula) -> Option<bool> {
        match formula {
            Formula::Leaf(leaf, wanted) => self.scene.truth(leaf).map(|truth| wanted.has(truth)),
            Formula::All(parts) => {
                let mut all = Some(true);
                for part in parts {
                    match self.value(part) {
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
                    match self.value(part) {
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
