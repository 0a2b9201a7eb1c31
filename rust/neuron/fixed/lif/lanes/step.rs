//! Steps of blocks, in loops that the compiler turns into vectors.

use super::arithmetic::{AnyRounder, Decaying, Fitting, Floor, Nearest, Rounder, TowardZero, Word};
use super::block::FixedBlock;
use super::decay::Kind;
use super::neurons::FixedLanes;
use crate::neuron::fixed::{FiresAt, Overflows, Reset, Rounding};
use crate::simd::{LANES, LaneMask, Lanes, multiversion};

impl FixedLanes {
    /// Steps all blocks through a window of steps, with the sums that arrive at each, (n_steps, n_blocks), which are then
    /// zero; who fired at each, likewise. Returns what did not fit.
    #[inline]
    pub fn run(&self, blocks: &mut [FixedBlock], input: &mut [Lanes<i32>], fired: &mut [LaneMask]) -> Overflows {
        run_blocks(self, blocks, input, fired)
    }
}

/// Returns `yes` where all bits are set, `no` where none is.
#[inline(always)]
fn choose(mask: i32, yes: i32, no: i32) -> i32 {
    (yes & mask) | (no & !mask)
}

/// Steps a block in one loop without branches, which the compiler turns into vectors.
#[inline(always)]
fn step_words<T: Word, R: Rounder<T>, const CURRENT: bool, const MEMBRANE: bool, const SATURATES: bool>(
    lanes: &FixedLanes,
    number: usize,
    block: FixedBlock,
    input: &Lanes<i32>,
) -> (FixedBlock, LaneMask, Overflows) {
    let format = lanes.population.params();
    let rounder = R::new(format.rounding);
    let current = Decaying::new(&lanes.current_decay, number);
    let membrane = Decaying::new(&lanes.membrane_decay, number);
    let fits_u = Fitting::<T>::new(format.current_overflow, format.current_bits);
    let fits_v = Fitting::<T>::new(format.membrane_overflow, format.membrane_bits);
    let (bias, v_th) = (lanes.bias.get(number), lanes.v_th.get(number));
    let at = i32::from(format.fires_at == FiresAt::Threshold);
    let subtracted = -i32::from(format.reset == Reset::Subtract);
    let (t_ref, input_shift, gain_shift) = (format.t_ref_steps as i32, format.input_shift, format.gain_shift);
    let (mut fired, mut n_u, mut n_v) = ([0i32; LANES], 0, 0);
    // Without conditions, and not in place: a store of some lanes would have to end before they can be read again.
    let mut next = FixedBlock::zero();
    for l in 0..LANES {
        let u = current.apply::<T, CURRENT>(block.current[l], l, rounder) + (T::from(input[l]) << input_shift);
        let (u, u_changed) = fits_u.fit::<SATURATES>(u);
        let v = membrane.apply::<T, MEMBRANE>(block.potential[l], l, rounder);
        let (v, v_changed) = fits_v.fit::<SATURATES>(v + T::from(bias[l]) + rounder.shift(T::from(u), gain_shift));
        let free = -i32::from(block.refractory[l] == 0);
        let fires = -i32::from(v > v_th[l] - at) & free;
        let after = choose(fires, v.wrapping_sub(v_th[l]) & subtracted, v);
        next.current[l] = u;
        next.potential[l] = choose(free, after, block.potential[l]);
        next.refractory[l] = choose(fires, t_ref, block.refractory[l] - 1 - free);
        fired[l] = fires & 1;
        n_u += u_changed;
        n_v += v_changed & free;
    }
    let mut mask = 0;
    if fired.iter().fold(0, |any, fires| any | fires) != 0 {
        for l in 0..LANES {
            mask |= (fired[l] as LaneMask) << l;
        }
    }
    (next, mask, Overflows { current: n_u as u64, membrane: n_v as u64 })
}

#[inline(always)]
fn run_words<T: Word, R: Rounder<T>, const CURRENT: bool, const MEMBRANE: bool, const SATURATES: bool>(
    lanes: &FixedLanes,
    blocks: &mut [FixedBlock],
    input: &mut [Lanes<i32>],
    fired: &mut [LaneMask],
) -> Overflows {
    let n_blocks = blocks.len();
    let mut overflows = Overflows::default();
    for (b, block) in blocks.iter_mut().enumerate() {
        let steps = input[b..].iter_mut().step_by(n_blocks).zip(fired[b..].iter_mut().step_by(n_blocks));
        let mut state = *block;
        for (input, fired) in steps {
            let (next, mask, changed) = step_words::<T, R, CURRENT, MEMBRANE, SATURATES>(lanes, b, state, input);
            state = next;
            *fired = mask;
            overflows += changed;
            *input = Lanes([0; LANES]);
        }
        *block = state;
    }
    overflows
}

#[inline(always)]
fn run_blocks_body(
    lanes: &FixedLanes,
    blocks: &mut [FixedBlock],
    input: &mut [Lanes<i32>],
    fired: &mut [LaneMask],
) -> Overflows {
    let format = lanes.population.params();
    let multiplies = [&lanes.current_decay, &lanes.membrane_decay].map(|by| matches!(by.kind, Kind::Multiply { .. }));
    let saturates = format.current_overflow.saturates() && format.membrane_overflow.saturates();
    macro_rules! run {
        ($word:ty, $rounder:ty, $current:literal, $membrane:literal, $saturates:literal) => {
            run_words::<$word, $rounder, $current, $membrane, $saturates>(lanes, blocks, input, fired)
        };
    }
    // What is common is compiled by itself; all else decides within the loop.
    match (lanes.wide, multiplies, saturates, format.rounding) {
        (false, [true, true], true, Rounding::Nearest) => run!(i32, Nearest, true, true, true),
        (false, [true, true], true, Rounding::Floor) => run!(i32, Floor, true, true, true),
        (false, [true, true], true, Rounding::TowardZero) => run!(i32, TowardZero, true, true, true),
        (false, [false, false], true, Rounding::Nearest) => run!(i32, Nearest, false, false, true),
        (false, [false, false], true, Rounding::Floor) => run!(i32, Floor, false, false, true),
        (false, [false, false], true, Rounding::TowardZero) => run!(i32, TowardZero, false, false, true),
        (false, [false, false], ..) => run!(i32, AnyRounder<i32>, false, false, false),
        (false, [false, true], ..) => run!(i32, AnyRounder<i32>, false, true, false),
        (false, [true, false], ..) => run!(i32, AnyRounder<i32>, true, false, false),
        (false, [true, true], ..) => run!(i32, AnyRounder<i32>, true, true, false),
        (true, [false, false], ..) => run!(i64, AnyRounder<i64>, false, false, false),
        (true, [false, true], ..) => run!(i64, AnyRounder<i64>, false, true, false),
        (true, [true, false], ..) => run!(i64, AnyRounder<i64>, true, false, false),
        (true, [true, true], ..) => run!(i64, AnyRounder<i64>, true, true, false),
    }
}

multiversion! {
    /// Steps all blocks through a window.
    fn run_blocks(
        lanes: &FixedLanes,
        blocks: &mut [FixedBlock],
        input: &mut [Lanes<i32>],
        fired: &mut [LaneMask],
    ) -> Overflows = run_blocks_body
}
