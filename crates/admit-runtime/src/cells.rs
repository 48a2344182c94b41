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
        if head.count != LONG {
            let (classes, operations) = self.short(head);
            return scan(classes, operations, held);
        }
        held.iter().fold(0, |open, class| open | self.in_long(head.cells, *class))
    }

    /// What one class may do.
    pub fn one(&self, head: Head, class: u16) -> u8 {
        self.open(head, &[class])
    }

    fn short(&self, head: Head) -> (&'t [[u8; 2]], &'t [[u8; 1]]) {
        (self.classes.part(head.cells, u32::from(head.count)), self.operations.part(head.cells, u32::from(head.count)))
    }

    #[inline(never)]
    fn in_long(&self, number: u32, class: u16) -> u8 {
        let long = self.long.at(number as usize);
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

/// What `held` have together in a run of cells. The last lanes overlap those before; a set does not mind.
#[inline]
fn scan(classes: &[[u8; 2]], operations: &[[u8; 1]], held: &[u16]) -> u8 {
    let (Some(last_classes), Some(last_operations)) = (classes.last_chunk(), operations.last_chunk()) else {
        return scan_few(classes, operations, held);
    };
    let mut open = lanes(last_classes, last_operations, held);
    let blocks = classes.len().saturating_sub(1) / LANES;
    let blocks = classes.as_chunks::<LANES>().0.iter().zip(operations.as_chunks::<LANES>().0).take(blocks);
    for (classes, operations) in blocks {
        open |= lanes(classes, operations, held);
    }
    open.to_le_bytes().into_iter().fold(0, |all, one| all | one)
}

#[inline]
fn scan_few(classes: &[[u8; 2]], operations: &[[u8; 1]], held: &[u16]) -> u8 {
    let mut open = 0;
    for (class, [operations]) in classes.iter().zip(operations) {
        let class = u16::from_le_bytes(*class);
        let is_held = held.iter().fold(false, |is_held, held| is_held | (*held == class));
        open |= if is_held { *operations } else { 0 };
    }
    open
}

/// The operations of eight cells, a byte each, or 0 where none of the held is the cell's.
#[inline]
fn lanes(classes: &[[u8; 2]; LANES], operations: &[[u8; 1]; LANES], held: &[u16]) -> u64 {
    let classes = classes.map(u16::from_le_bytes);
    let mut same = [0u16; LANES];
    for held in held {
        for (same, class) in same.iter_mut().zip(classes) {
            *same |= if class == *held { u16::MAX } else { 0 };
        }
    }
    let mut open = [0u8; LANES];
    for ((open, same), [operations]) in open.iter_mut().zip(same).zip(operations) {
        *open = same as u8 & operations;
    }
    u64::from_le_bytes(open)
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
