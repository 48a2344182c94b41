//! Cells: which classes may do what on a resource.
//! Always: a class that has no cell has nothing, and so has a class that the table does not know.

use crate::format::{Head, LONG, Long, PAGE, Page, U24};
use crate::load::{Policy, Rows};

/// A class's operations on a resource.
#[derive(Clone, Copy)]
pub(crate) struct Cell {
    pub class: u16,
    pub operations: u8,
}

/// The cells of a table, and the pages that stand for many.
#[derive(Clone, Copy)]
pub(crate) struct Cells<'t> {
    pub classes: Rows<'t, u16>,
    pub operations: Rows<'t, u8>,
    pub long: Rows<'t, Long>,
    pub page_numbers: Rows<'t, u16>,
    pub pages: Rows<'t, Page>,
}

impl<'t> Cells<'t> {
    /// What these classes may do together.
    #[inline]
    pub fn open(&self, head: Head, held: &[u16]) -> u8 {
        match head.count == LONG {
            false => self.in_short(head.cells as usize, usize::from(head.count), held),
            true => self.in_long(head.cells, held),
        }
    }

    /// What one class may do.
    pub fn one(&self, head: Head, class: u16) -> u8 {
        self.open(head, &[class])
    }

    /// What `held` have together in a run of cells. Eight cells are compared at once: a run's last ones with those of
    /// other runs behind or, at the section's end, before them, whose operations do not count.
    #[inline]
    fn in_short(&self, first: usize, count: usize, held: &[u16]) -> u8 {
        let (classes, operations) = (self.classes.bytes(), self.operations.bytes());
        let Some(last) = classes.len().checked_sub(LANES) else { return self.in_few(first, count, held) };
        let (mut open, mut at, end) = (0, first, first.saturating_add(count));
        while at < end {
            let start = at.min(last);
            let (Some(classes), Some(operations)) = (window(classes, start), window(operations, start)) else {
                break; // no run ends behind its section: checked at load
            };
            let others = (at - start).min(LANES - 1);
            let own = u64::MAX >> (64 - 8 * (end - at).min(LANES)) << (8 * others);
            open |= lanes(classes, u64::from_le_bytes(operations.map(|[operations]| operations)) & own, held);
            at += LANES;
        }
        open.to_le_bytes().into_iter().fold(0, |all, one| all | one)
    }

    /// The same in a table of fewer cells.
    #[cold]
    fn in_few(&self, first: usize, count: usize, held: &[u16]) -> u8 {
        let cells = (first..first.saturating_add(count)).map(|at| (self.classes.at(at), self.operations.at(at)));
        let cells = cells.filter(|(class, _)| held.contains(class));
        cells.fold(0, |open, (_, operations)| open | operations)
    }

    #[inline(never)]
    fn in_long(&self, number: u32, held: &[u16]) -> u8 {
        let long = self.long.at(number as usize);
        held.iter().fold(0, |open, class| open | self.of_class(&long, *class))
    }

    fn of_class(&self, long: &Long, class: u16) -> u8 {
        if long.paged == 0 {
            let at = self.classes.lower_bound(long.first, long.count, |at| *at < class);
            let found = at < (long.first + long.count) as usize && self.classes.at(at) == class;
            return if found { self.operations.at(at) } else { 0 };
        }
        let class = usize::from(class);
        match class / PAGE < long.count as usize {
            true => self.page(long.first as usize + class / PAGE).0[class % PAGE],
            false => 0,
        }
    }

    fn page(&self, at: usize) -> Page {
        self.pages.at(usize::from(self.page_numbers.at(at)))
    }

    /// The cells one by one, for reports.
    pub fn each(self, head: Head) -> impl Iterator<Item = Cell> + use<'t> {
        let long = if head.count == LONG { self.long.at(head.cells as usize) } else { Long::default() };
        let run = if head.count == LONG {
            if long.paged == 0 { (long.first, long.count) } else { (0, 0) }
        } else {
            (head.cells, u32::from(head.count))
        };
        let cells = self.classes.run(run.0, run.1).zip(self.operations.run(run.0, run.1));
        let pages = if long.paged == 0 { 0..0 } else { 0..long.count as usize };
        let paged = pages.flat_map(move |block| {
            let page = self.page(long.first as usize + block);
            (0..PAGE).map(move |at| ((block * PAGE + at) as u16, page.0[at]))
        });
        let cells = cells.chain(paged).map(|(class, operations)| Cell { class, operations });
        cells.filter(|cell| cell.operations != 0)
    }
}

/// Cells that are compared at once: a vector register, without a word about vectors.
const LANES: usize = 8;

/// The [`LANES`] rows that start at `start`.
#[inline]
fn window<T>(rows: &[T], start: usize) -> Option<&[T; LANES]> {
    rows.get(start..)?.first_chunk()
}

/// The operations of eight cells, a byte each, or 0 where none of the held is the cell's.
#[inline]
fn lanes(classes: &[[u8; 2]; LANES], operations: u64, held: &[u16]) -> u64 {
    let classes = classes.map(u16::from_le_bytes);
    let mut same = [0u16; LANES];
    for held in held {
        for (same, class) in same.iter_mut().zip(classes) {
            *same |= if class == *held { u16::MAX } else { 0 };
        }
    }
    u64::from_le_bytes(same.map(|same| same as u8)) & operations
}

/// Something that can be asked about: its head, and what it has in common with others.
#[derive(Clone, Copy)]
pub(crate) struct Resource {
    pub head: Head,
    pub common: crate::format::Common,
}

impl Policy<'_> {
    pub(crate) fn resource(&self, number: u32) -> Resource {
        let head = self.heads.at(number as usize);
        Resource { head, common: self.common.at(U24::get(head.common) as usize) }
    }
}
