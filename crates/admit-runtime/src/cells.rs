//! Cells: which classes may do what on a resource.
//! Always: a class that has no cell has nothing, and so has a class that the table does not know.

use crate::format::{GRID, GRID_CLASSES, Grid, Head, LONG, Long, PAGE, Page, U24};
use crate::load::{Policy, Rows};
use crate::principal::Held;

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
    pub grids: Rows<'t, Grid>,
}

impl<'t> Cells<'t> {
    /// What these classes may do together; as soon as that is all of `wanted`, no more.
    #[inline]
    pub fn open(&self, head: &Head, held: &Held, wanted: u8) -> u8 {
        match head.count {
            GRID => self.in_grid(head, held.low, wanted),
            _ => self.in_cells(head, held, wanted),
        }
    }

    /// The same where cells are no grid.
    #[inline(never)]
    fn in_cells(&self, head: &Head, held: &Held, wanted: u8) -> u8 {
        let mut open = 0;
        for class in held.each() {
            if head.may_hold(class.bit) {
                open |= self.one(head, class.number, wanted);
                if open & wanted == wanted {
                    break;
                }
            }
        }
        open
    }

    /// What one class may do, of `wanted` at least.
    #[inline]
    pub fn one(&self, head: &Head, class: u16, wanted: u8) -> u8 {
        match head.count {
            GRID => self.in_grid(head, 1 << (class & 63), wanted),
            LONG => self.in_long(head.cells.get(), class),
            _ => self.in_run(head.cells.get(), u32::from(head.count), class),
        }
    }

    /// Which of the wanted operations some of these classes have.
    #[inline(always)] // measured: most tables have grids, and a decision by them then calls nothing
    fn in_grid(&self, head: &Head, classes: u64, wanted: u8) -> u8 {
        let Some(grid) = self.grids.bytes().get(head.cells.get() as usize) else { return 0 };
        let (rows, mut open, mut left) = (grid.as_chunks::<8>().0, 0, wanted);
        while left != 0 {
            let bit = left.trailing_zeros();
            let row = rows.get(bit as usize).map_or(0, |row| u64::from_le_bytes(*row));
            open |= u8::from(row & classes != 0) << bit;
            left &= left - 1;
        }
        open
    }

    #[inline]
    fn in_run(&self, first: u32, count: u32, class: u16) -> u8 {
        let found = self.classes.part(first, count).binary_search_by_key(&class, |class| u16::from_le_bytes(*class));
        found.map_or(0, |at| self.operations.at(first as usize + at))
    }

    #[inline(never)]
    fn in_long(&self, number: u32, class: u16) -> u8 {
        let long = self.long.at(number as usize);
        if long.paged == 0 {
            return self.in_run(long.first, long.count, class);
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
        let long = if head.count == LONG { self.long.at(head.cells.get() as usize) } else { Long::default() };
        let run = match head.count {
            GRID => (0, 0),
            LONG if long.paged == 0 => (long.first, long.count),
            LONG => (0, 0),
            count => (head.cells.get(), u32::from(count)),
        };
        let cells = self.classes.run(run.0, run.1).zip(self.operations.run(run.0, run.1));
        let pages = if long.paged == 0 { 0..0 } else { 0..long.count as usize };
        let paged = pages.flat_map(move |block| {
            let page = self.page(long.first as usize + block);
            (0..PAGE).map(move |at| ((block * PAGE + at) as u16, page.0[at]))
        });
        let grid = if head.count == GRID { self.grids.at(head.cells.get() as usize) } else { Grid::default() };
        let in_grid = (0..GRID_CLASSES).map(move |class| (class as u16, grid.of_class(class)));
        let cells = cells.chain(paged).chain(in_grid).map(|(class, operations)| Cell { class, operations });
        cells.filter(|cell| cell.operations != 0)
    }
}

impl Head {
    /// Whether a class may have a cell here, by the bit that its name has in sieves: without it, it has none.
    #[inline]
    pub(crate) fn may_hold(&self, bit: u8) -> bool {
        self.sieve >> (bit & 31) & 1 == 1
    }
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
