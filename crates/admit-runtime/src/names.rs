//! Names: from text to number by one probe and one comparison, and from number to text.
//! Always: a hash alone never names anything; what is found has the scope that was asked for, and the same bytes.

use crate::error::LoadError;
use crate::format::{NO_NAME, Record, Section, U24, bucket, hash, padded, slot};
use crate::load::{Rows, Sections};

/// Strings, by number.
#[derive(Clone, Copy)]
pub(crate) struct Strings<'t> {
    text: &'t str,
    ends: Rows<'t, U24>,
}

impl<'t> Strings<'t> {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The string with that number; the empty one if there is none.
    pub fn get(&self, number: u32) -> &'t str {
        let (start, end) = self.span(number);
        self.text.get(start..end).unwrap_or("")
    }

    /// Where it starts and ends. The first starts at 0, which is what a number that does not exist reads as.
    #[inline]
    fn span(&self, number: u32) -> (usize, usize) {
        // Measured: both ends at once, for all strings but the first and the last.
        let before = (number as usize).wrapping_sub(1).wrapping_mul(U24::SIZE);
        match self.ends.bytes().as_flattened().get(before..).and_then(|ends| ends.first_chunk()) {
            Some(ends) => {
                let ends = u64::from_le_bytes(*ends);
                ((ends & 0xFF_FFFF) as usize, (ends >> 24 & 0xFF_FFFF) as usize)
            }
            None => self.span_at_an_end(number as usize),
        }
    }

    #[cold]
    fn span_at_an_end(&self, number: usize) -> (usize, usize) {
        (self.ends.at(number.wrapping_sub(1)).get() as usize, self.ends.at(number).get() as usize)
    }

    #[inline(always)]
    fn is(&self, number: u32, name: &[u8]) -> bool {
        let (start, end) = self.span(number);
        same(self.text.as_bytes().get(start..end).unwrap_or(&[]), name)
    }

    pub fn read(sections: &Sections<'t>, text: Section, ends: Section) -> Result<Strings<'t>, LoadError> {
        let bytes = sections.bytes(text);
        let text = core::str::from_utf8(bytes).map_err(|_| LoadError::Text { section: text })?;
        let strings = Strings { text, ends: sections.rows(ends) };
        let mut start = 0;
        for number in 0..strings.len() {
            let end = strings.ends.at(number).get() as usize;
            if end < start || !text.is_char_boundary(end) {
                return Err(LoadError::Value { section: ends, record: number });
            }
            start = end;
        }
        if start != text.len() {
            return Err(LoadError::Value { section: ends, record: strings.len() });
        }
        Ok(strings)
    }
}

/// Whether a stored string is `name`, a word at a time: names are short, and a call costs more than comparing. Which of
/// length, first and last word differs is not branched on: whether a name is known is what the processor guesses worst.
#[inline(always)]
fn same(stored: &[u8], name: &[u8]) -> bool {
    let is_as_long = stored.len() == name.len();
    let (Some((first, rest)), Some(last)) = (name.split_first_chunk::<8>(), name.last_chunk::<8>()) else {
        return is_as_long && padded(stored) == padded(name);
    };
    let (Some((stored_first, stored_rest)), Some(stored_last)) =
        (stored.split_first_chunk::<8>(), stored.last_chunk::<8>())
    else {
        return false;
    };
    let word = u64::from_le_bytes;
    let differ = word(*first) ^ word(*stored_first) | word(*last) ^ word(*stored_last);
    let ends = is_as_long & (differ == 0);
    let middle = || rest.as_chunks::<8>().0.iter().zip(stored_rest.as_chunks::<8>().0).all(|(a, b)| a == b);
    ends && (rest.len() <= 8 || middle())
}

/// A stretch of the names that requests look up: those of one scope.
#[derive(Clone, Copy)]
pub(crate) struct Scope {
    /// What is hashed with the name ([`crate::format::scope_of`]).
    pub scope: u32,
    /// The number of the first.
    pub first: u32,
    /// How many.
    pub count: u32,
}

/// The names of the decision: all its strings, and the way from the looked-up ones to their numbers.
#[derive(Clone, Copy)]
pub(crate) struct Names<'t> {
    pub strings: Strings<'t>,
    pilots: Rows<'t, u16>,
    slots: Rows<'t, U24>,
    seed: u32,
}

impl<'t> Names<'t> {
    pub fn read(sections: &Sections<'t>, seed: u32) -> Result<Names<'t>, LoadError> {
        Ok(Names {
            strings: Strings::read(sections, Section::Text, Section::Strings)?,
            pilots: sections.rows(Section::Pilots),
            slots: sections.rows(Section::Slots),
            seed,
        })
    }

    /// The place of `name` in its scope.
    #[inline(always)]
    pub fn find(&self, scope: Scope, name: &str) -> Option<u32> {
        self.find_hashed(scope, self.hash(scope, name), name)
    }

    /// The hash of a name in a scope.
    #[inline(always)]
    pub fn hash(&self, scope: Scope, name: &str) -> u64 {
        hash(self.seed, scope.scope, name.as_bytes())
    }

    /// The place of a name whose hash is known.
    #[inline(always)]
    pub fn find_hashed(&self, scope: Scope, hash: u64, name: &str) -> Option<u32> {
        let place = self.candidate(scope, hash);
        ((place < scope.count) & self.is(scope, place, name)).then_some(place)
    }

    /// The only place in its scope that a name with this hash can have; beyond the scope, it has none.
    #[inline(always)]
    pub fn candidate(&self, scope: Scope, hash: u64) -> u32 {
        let pilot = self.pilots.at(bucket(hash, self.pilots.len()));
        let number = self.slots.at(slot(hash, pilot, self.slots.len())).get();
        number.wrapping_sub(scope.first)
    }

    /// Whether a place of a scope has this name.
    #[inline(always)]
    pub fn is(&self, scope: Scope, place: u32, name: &str) -> bool {
        self.strings.is(place.wrapping_add(scope.first), name.as_bytes())
    }

    /// Checks that each name of a scope is found, and found as itself. Then no two are equal.
    pub fn check(&self, scope: Scope) -> Result<(), LoadError> {
        let found = |place: &u32| self.find(scope, self.strings.get(scope.first + place)) == Some(*place);
        match (0..scope.count).find(|place| !found(place)) {
            Some(place) => Err(LoadError::Order { section: Section::Strings, record: (scope.first + place) as usize }),
            None => Ok(()),
        }
    }

    /// Checks that only `count` slots are taken: with [`Names::check`], each by a name of its own.
    pub fn check_slots(&self, count: usize) -> Result<(), LoadError> {
        let taken = self.slots.run(0, u32::MAX).filter(|slot| slot.get() != NO_NAME).count();
        let section = Section::Slots;
        if taken == count { Ok(()) } else { Err(LoadError::Value { section, record: self.slots.len() }) }
    }

    /// Checks that the strings from `first` on, which nothing looks up, ascend.
    pub fn check_order(&self, first: u32) -> Result<(), LoadError> {
        let ascending = |at: &u32| self.strings.get(at - 1) < self.strings.get(*at);
        match (first.saturating_add(1)..self.strings.len() as u32).find(|at| !ascending(at)) {
            Some(record) => Err(LoadError::Order { section: Section::Strings, record: record as usize }),
            None => Ok(()),
        }
    }
}
