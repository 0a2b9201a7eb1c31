//! Which windows hold a place, as tables.

use super::Window;
use crate::memory::{OrUnwind, reserve};

/// The positions of a window that hold each place of an axis.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    start: Vec<usize>,
    /// Position and tap, the positions of a place ascending.
    held: Vec<[u32; 2]>,
}

impl Reach {
    /// Becomes the table of a window.
    pub fn set(&mut self, window: Window) {
        self.start.clear();
        self.held.clear();
        reserve("places of an axis", &mut self.start, window.pre + 1).or_unwind();
        self.start.push(0);
        for at in 0..window.pre {
            reserve("places under a kernel", &mut self.held, window.kernel).or_unwind();
            self.held.extend(window.holding(at).map(|(position, tap)| [position as u32, tap as u32]));
            self.start.push(self.held.len());
        }
    }

    /// Returns the positions that hold place `at`, ascending, each with the tap that lies there.
    #[inline(always)]
    pub fn of(&self, at: usize) -> &[[u32; 2]] {
        &self.held[self.start[at]..self.start[at + 1]]
    }

    /// Returns the bytes of the table.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        size_of_val(&self.start[..]) + size_of_val(&self.held[..])
    }
}
