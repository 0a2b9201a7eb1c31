//! A priority queue of neurons by time, in which times can be changed.

/// Place of a neuron that is not in the queue.
const OUT: u32 = u32::MAX;

/// Children of a place: four lie in one cache line, and the tree is half as high as a binary one.
const ARITY: usize = 4;

/// Holds, for each neuron, at most one time; the earliest is found in constant, changed in logarithmic time, of equal ones that of
/// the lowest neuron. Nothing is allocated after it is made.
#[derive(Clone, Debug)]
pub struct TimeHeap {
    /// (time, neuron), every entry no later than its children.
    entries: Vec<(f64, u32)>,
    place: Vec<u32>,
}

impl TimeHeap {
    /// Makes a queue of `n` neurons, none of them in it.
    pub fn new(n: usize) -> Self {
        Self { entries: Vec::with_capacity(n), place: vec![OUT; n] }
    }

    /// Returns the earliest time, and its neuron.
    #[inline]
    pub fn first(&self) -> Option<(f64, usize)> {
        self.entries.first().map(|&(time, i)| (time, i as usize))
    }

    /// Gives neuron `i` a time, instead of any other; `None` takes it out.
    #[inline]
    pub fn set(&mut self, i: usize, time: Option<f64>) {
        match (self.place[i], time) {
            (OUT, None) => {}
            (OUT, Some(time)) => {
                self.entries.push((time, i as u32));
                self.rise(self.entries.len() - 1);
            }
            (place, Some(time)) => {
                self.entries[place as usize].0 = time;
                self.settle(place as usize);
            }
            (place, None) => {
                self.place[i] = OUT;
                let last = self.entries.pop().expect("holds the neuron at least");
                if (place as usize) < self.entries.len() {
                    self.entries[place as usize] = last;
                    self.settle(place as usize);
                }
            }
        }
    }

    /// Takes out all.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.place.fill(OUT);
    }

    fn settle(&mut self, place: usize) {
        let place = self.rise(place);
        self.sink(place);
    }

    fn rise(&mut self, mut place: usize) -> usize {
        let entry = self.entries[place];
        while place > 0 {
            let parent = (place - 1) / ARITY;
            if !earlier(entry, self.entries[parent]) {
                break;
            }
            self.put(place, self.entries[parent]);
            place = parent;
        }
        self.put(place, entry);
        place
    }

    fn sink(&mut self, mut place: usize) {
        let entry = self.entries[place];
        loop {
            let children = ARITY * place + 1..self.entries.len().min(ARITY * place + 1 + ARITY);
            let Some(child) = children.reduce(|a, b| if earlier(self.entries[b], self.entries[a]) { b } else { a })
            else {
                break;
            };
            if !earlier(self.entries[child], entry) {
                break;
            }
            self.put(place, self.entries[child]);
            place = child;
        }
        self.put(place, entry);
    }

    fn put(&mut self, place: usize, entry: (f64, u32)) {
        self.entries[place] = entry;
        self.place[entry.1 as usize] = place as u32;
    }
}

fn earlier(a: (f64, u32), b: (f64, u32)) -> bool {
    a.0 < b.0 || (a.0 == b.0 && a.1 < b.1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_a_priority_queue(changes in proptest::collection::vec((0..30usize, proptest::option::of(0..40u8)), 1..300)) {
            let (mut heap, mut map) = (TimeHeap::new(30), BTreeMap::new());
            for (i, time) in changes {
                heap.set(i, time.map(f64::from));
                match time {
                    Some(time) => map.insert(i, time),
                    None => map.remove(&i),
                };
                let first = map.iter().map(|(&i, &time)| (time, i)).min();
                prop_assert_eq!(heap.first(), first.map(|(time, i)| (f64::from(time), i)));
            }
            while let Some((_, i)) = heap.first() {
                let expected = map.iter().map(|(&i, &time)| (time, i)).min().unwrap();
                prop_assert_eq!(expected.1, i);
                map.remove(&i);
                heap.set(i, None);
            }
            prop_assert!(map.is_empty());
        }
    }
}
