//! A calendar queue of neurons that may fire at a step ahead.

use super::bit_set::BitSet;

/// Buckets: steps that lie apart by this many share one.
const BUCKETS: usize = 1024;

/// End of a list.
const NONE: u32 = u32::MAX;

/// Stands for no step.
pub const NEVER: u64 = u64::MAX;

/// Holds, for each neuron, at most one step at which it is due; put in, moved and taken out in constant time.
///
/// Steps fall into buckets modulo their number, each a list that runs through the neurons' own links: nothing is ever
/// allocated, and a prediction that new input overturns is really gone.
#[derive(Clone, Debug)]
pub struct Wheel {
    links: Vec<Link>,
    heads: Vec<u32>,
    occupied: BitSet,
}

/// Holds a neuron's place in the list of its bucket.
#[derive(Clone, Copy, Debug)]
struct Link {
    due: u64,
    next: u32,
    previous: u32,
}

const UNLINKED: Link = Link { due: NEVER, next: NONE, previous: NONE };

impl Wheel {
    /// Makes a calendar of `n` neurons, none of them due.
    pub fn new(n: usize) -> Self {
        Self { links: vec![UNLINKED; n], heads: vec![NONE; BUCKETS], occupied: BitSet::new(BUCKETS) }
    }

    /// Makes neuron `i` due at `step`, instead of any other; [`NEVER`] takes it out.
    #[inline]
    pub fn set(&mut self, i: usize, step: u64) {
        let before = self.links[i].due;
        if before == step {
            return;
        }
        if before != NEVER {
            self.take_out(i);
        }
        if step == NEVER {
            return;
        }
        let bucket = step as usize % BUCKETS;
        let head = self.heads[bucket];
        self.links[i] = Link { due: step, next: head, previous: NONE };
        match head {
            NONE => self.occupied.set(bucket),
            head => self.links[head as usize].previous = i as u32,
        }
        self.heads[bucket] = i as u32;
    }

    fn take_out(&mut self, i: usize) {
        let Link { due, next, previous } = std::mem::replace(&mut self.links[i], UNLINKED);
        if next != NONE {
            self.links[next as usize].previous = previous;
        }
        match previous {
            NONE => {
                let bucket = due as usize % BUCKETS;
                self.heads[bucket] = next;
                if next == NONE {
                    self.occupied.clear(bucket);
                }
            }
            previous => self.links[previous as usize].next = next,
        }
    }

    /// Returns the first step from `step` on whose bucket is not empty: none is due before it.
    #[inline]
    pub fn next(&self, step: u64) -> Option<u64> {
        let bucket = step as usize % BUCKETS;
        let found = self.occupied.next(bucket).or_else(|| self.occupied.next(0).map(|found| found + BUCKETS))?;
        Some(step + (found - bucket) as u64)
    }

    /// Takes out all that are due at `step` and hands them out, in no particular order.
    #[inline]
    pub fn drain(&mut self, step: u64, mut visit: impl FnMut(usize)) {
        let mut at = self.heads[step as usize % BUCKETS];
        while at != NONE {
            let i = at as usize;
            let Link { due, next, .. } = self.links[i];
            at = next;
            if due == step {
                self.take_out(i);
                visit(i);
            }
        }
    }

    /// Takes out all.
    pub fn clear(&mut self) {
        self.links.fill(UNLINKED);
        self.heads.fill(NONE);
        self.occupied.clear_all();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a map from neuron to step, over steps that share buckets.
        #[test]
        fn is_a_calendar(changes in proptest::collection::vec((0..20usize, 0..5000u64, 0..4u8), 1..200)) {
            let (mut wheel, mut map, mut now) = (Wheel::new(20), BTreeMap::new(), 0);
            for (i, ahead, kind) in changes {
                match kind {
                    0 => {
                        wheel.set(i, NEVER);
                        map.remove(&i);
                    }
                    1 => {
                        // On to the next step that is due, past empty visits to shared buckets.
                        let expected = map.values().min().copied();
                        while let Some(step) = wheel.next(now) {
                            prop_assert!(expected.is_some_and(|first| step <= first));
                            let mut due = Vec::new();
                            wheel.drain(step, |i| due.push(i));
                            now = step + 1;
                            if !due.is_empty() {
                                due.sort_unstable();
                                let also: Vec<usize> = map.iter().filter(|(_, s)| **s == step).map(|(i, _)| *i).collect();
                                prop_assert_eq!(due, also);
                                prop_assert_eq!(Some(step), expected);
                                map.retain(|_, s| *s != step);
                                break;
                            }
                        }
                        prop_assert_eq!(wheel.next(now).is_none(), map.is_empty());
                    }
                    _ => {
                        wheel.set(i, now + ahead);
                        map.insert(i, now + ahead);
                    }
                }
            }
        }
    }
}
