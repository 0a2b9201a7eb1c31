//! A cascade of filters, sixteen stages at once.

use super::design::Section;
use crate::simd::{Isa, LANES, LaneMask, Lanes, Real, Scalar, multiversion};

/// Holds the stages of a cascade, and what each remembers: transposed direct form II.
#[derive(Clone, Debug)]
pub struct Cascade {
    n_stages: usize,
    groups: Vec<Group<f64>>,
    /// What goes into a group, and then what came out of it, sample by sample.
    chain: Vec<f64>,
    /// What the stages of a group say, tick by tick.
    said: Vec<Lanes<f64>>,
}

/// Sixteen stages; those behind the last one of the cascade are silent.
#[derive(Clone, Debug)]
struct Group<F: Scalar> {
    b: [Lanes<F>; 3],
    a: [Lanes<F>; 2],
    memory: [Lanes<F>; 2],
}

impl Cascade {
    /// Makes a cascade at rest that takes at most `block` samples at once.
    pub fn new(stages: &[Section], block: usize) -> Self {
        let groups = stages.chunks(LANES).map(|stages| {
            let lanes = |value: &dyn Fn(&Section) -> f64| {
                let mut lanes = Lanes::zero();
                stages.iter().zip(lanes.iter_mut()).for_each(|(stage, lane)| *lane = value(stage));
                lanes
            };
            Group {
                b: [0, 1, 2].map(|k| lanes(&|stage| stage.b[k])),
                a: [0, 1].map(|k| lanes(&|stage| stage.a[k])),
                memory: [Lanes::zero(); 2],
            }
        });
        Self {
            n_stages: stages.len(),
            groups: groups.collect(),
            chain: vec![0.0; block],
            said: vec![Lanes::zero(); block + 2 * LANES],
        }
    }

    /// Returns the number of stages.
    pub fn n_stages(&self) -> usize {
        self.n_stages
    }

    /// Returns how many groups of sixteen there are.
    pub fn n_groups(&self) -> usize {
        self.groups.len()
    }

    /// Writes what every stage makes of `samples`, where that is above 0, and 0 else: a row of [`n_groups`](Self::n_groups) for each.
    pub fn run(&mut self, samples: &[f64], rows: &mut [Lanes<f64>]) {
        let chain = &mut self.chain[..samples.len()];
        let said = &mut self.said[..samples.len() + 2 * LANES];
        chain.copy_from_slice(samples);
        let n_groups = self.groups.len();
        for (at, group) in self.groups.iter_mut().enumerate() {
            pass::<f64>(group, chain, said);
            straighten::<f64>(said, &mut rows[at..], n_groups);
        }
    }
}

/// A stage hears what the one before it said a tick ago, so that all of them work at once: lane l is at sample `tick` - l.
#[inline(always)]
fn pass_body<F: Real, I: Isa<F>>(isa: I, group: &mut Group<F>, chain: &mut [F], said: &mut [Lanes<F>]) {
    let n = chain.len();
    let [b0, b1, b2] = [isa.load(&group.b[0]), isa.load(&group.b[1]), isa.load(&group.b[2])];
    let [a1, a2] = [isa.load(&group.a[0]), isa.load(&group.a[1])];
    let [mut first, mut second] = [isa.load(&group.memory[0]), isa.load(&group.memory[1])];
    let mut y = isa.zero();
    for tick in 0..n + LANES - 1 {
        let heard = if tick < n { chain[tick] } else { F::zero() };
        let x = isa.shift_in(heard, y);
        y = isa.add(isa.mul(b0, x), first);
        let next = isa.add(isa.sub(isa.mul(b1, x), isa.mul(a1, y)), second);
        let after = isa.sub(isa.mul(b2, x), isa.mul(a2, y));
        if tick + 1 >= LANES && tick < n {
            [first, second] = [next, after];
        } else {
            // Lanes before the first sample and behind the last one stay as they are.
            let below = |n: usize| ((1u32 << n.min(LANES)) - 1) as LaneMask;
            let at_work = isa.mask(below(tick + 1) & !below((tick + 1).saturating_sub(n)));
            [first, second] = [isa.select(at_work, next, first), isa.select(at_work, after, second)];
        }
        isa.store(y, &mut said[tick]);
        if tick + 1 >= LANES {
            chain[tick + 1 - LANES] = said[tick][LANES - 1];
        }
    }
    isa.store(first, &mut group.memory[0]);
    isa.store(second, &mut group.memory[1]);
}

multiversion! {
    /// Sends samples through a group: `chain` is what goes in, then what comes out; `said` what each stage says, tick by tick.
    fn pass<F: Real>(group: &mut Group<F>, chain: &mut [F], said: &mut [Lanes<F>]) = pass_body
}

/// Takes lane l from l ticks later, in two steps: the lower two bits of l, then the upper two.
#[inline(always)]
fn straighten_body<F: Real, I: Isa<F>>(isa: I, said: &mut [Lanes<F>], rows: &mut [Lanes<F>], n_groups: usize) {
    let n = said.len() - 2 * LANES;
    let lower = [isa.mask(0x2222), isa.mask(0x4444), isa.mask(0x8888)];
    for t in 0..n + LANES {
        let [second, third, fourth] = [isa.load(&said[t + 1]), isa.load(&said[t + 2]), isa.load(&said[t + 3])];
        let value = isa.select(lower[0], second, isa.load(&said[t]));
        let value = isa.select(lower[1], third, value);
        isa.store(isa.select(lower[2], fourth, value), &mut said[t]);
    }
    let upper = [isa.mask(0x00f0), isa.mask(0x0f00), isa.mask(0xf000)];
    for (t, row) in rows.iter_mut().step_by(n_groups).enumerate().take(n) {
        let [second, third, fourth] = [isa.load(&said[t + 4]), isa.load(&said[t + 8]), isa.load(&said[t + 12])];
        let value = isa.select(upper[0], second, isa.load(&said[t]));
        let value = isa.select(upper[1], third, value);
        let value = isa.select(upper[2], fourth, value);
        isa.store(isa.max(value, isa.zero()), row);
    }
}

multiversion! {
    /// Writes what the stages of a group said, every `n_groups` rows, where that is above 0, and 0 else: of every sample, not every tick.
    fn straighten<F: Real>(said: &mut [Lanes<F>], rows: &mut [Lanes<F>], n_groups: usize) = straighten_body
}
