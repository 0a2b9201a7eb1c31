//! What an instruction set does with a block of 16 neurons.

use super::{LANES, LaneMask, Lanes, Scalar, array};

/// An instruction set, as a value that only exists where the machine has it.
///
/// Kernels are written once, generic over this trait. Left to itself the compiler turns loops over blocks into gathers on
/// AVX-512, several times slower than plain vectors; here each operation is one or two instructions by construction. It
/// is so only inside a function compiled for the instruction set, hence not in closures, which need not be inlined. All
/// instruction sets round alike, and none contracts `a * b + c`.
pub trait Isa<F: Scalar>: Copy {
    /// A value for each of the 16 neurons, in registers.
    type Vector: Copy;
    /// A condition for each of them.
    type Mask: Copy;

    /// Makes the instruction set.
    ///
    /// # Safety
    /// The machine must have it.
    unsafe fn new_unchecked() -> Self;

    /// Returns all lanes the same.
    fn splat(self, value: F) -> Self::Vector;
    /// Reads a block.
    fn load(self, lanes: &Lanes<F>) -> Self::Vector;
    /// Writes a block.
    fn store(self, value: Self::Vector, lanes: &mut Lanes<F>);
    /// Returns a + b
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Returns a - b
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Returns a * b
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Returns a > b
    fn greater(self, a: Self::Vector, b: Self::Vector) -> Self::Mask;
    /// Returns `yes` where the condition holds, else `no`.
    fn select(self, mask: Self::Mask, yes: Self::Vector, no: Self::Vector) -> Self::Vector;
    /// Returns one bit for each lane.
    fn bits(self, mask: Self::Mask) -> LaneMask;
    /// Returns the reverse of [`bits`](Self::bits).
    fn mask(self, bits: LaneMask) -> Self::Mask;
    /// Takes lanes to other places.
    fn spread(self, spread: &Spread, value: Self::Vector) -> Self::Vector;

    /// Returns a where it is above b, else b.
    #[inline(always)]
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        self.select(self.greater(a, b), a, b)
    }

    /// Returns `first`, and then all lanes but the last.
    #[inline(always)]
    fn shift_in(self, first: F, value: Self::Vector) -> Self::Vector {
        let (mut from, mut to) = (Lanes::zero(), Lanes::zero());
        self.store(value, &mut from);
        to[0] = first;
        for l in 1..LANES {
            to[l] = from[l - 1];
        }
        self.load(&to)
    }

    /// Lists `first` + the position of every bit that is set, ascending; the rest of `indices` may be overwritten too.
    #[inline(always)]
    fn list_bits(self, bits: LaneMask, first: u32, indices: &mut [u32; LANES]) {
        let [low, high] = bits.to_le_bytes();
        let place = low.count_ones() as usize;
        let [low, high] = [&SET_BITS[low as usize], &SET_BITS[high as usize]];
        indices[..8].copy_from_slice(&array::<_, 8>(|at| first + low[at]));
        indices[place..][..8].copy_from_slice(&array::<_, 8>(|at| first + 8 + high[at]));
    }

    /// Lists `first` + `stride` times the position of every bit that is set, ascending; the rest of `indices` may be overwritten too.
    #[inline(always)]
    fn list_strided(self, bits: LaneMask, first: u32, stride: u32, indices: &mut [u32; LANES]) {
        self.list_bits(bits, 0, indices);
        indices.iter_mut().for_each(|index| *index = first.wrapping_add(stride.wrapping_mul(*index)));
    }

    /// Returns the sum of all lanes: halves onto each other, down to one.
    #[inline(always)]
    fn sum(self, value: Self::Vector) -> F {
        let mut lanes = Lanes::zero();
        self.store(value, &mut lanes);
        sum_lanes(lanes)
    }

    /// Returns all lanes zero.
    #[inline(always)]
    fn zero(self) -> Self::Vector {
        self.splat(F::zero())
    }

    /// Returns zero where the magnitude is below `level`.
    #[inline(always)]
    fn flushed(self, value: Self::Vector, level: F) -> Self::Vector {
        let (above, below) = (self.greater(value, self.splat(level)), self.greater(self.splat(-level), value));
        self.select(above, value, self.select(below, value, self.zero()))
    }

    /// Adds onto a block in memory.
    #[inline(always)]
    fn add_to(self, lanes: &mut Lanes<F>, value: Self::Vector) {
        self.store(self.add(self.load(lanes), value), lanes);
    }
}

#[inline(always)]
fn sum_lanes<F: Scalar>(Lanes(mut lanes): Lanes<F>) -> F {
    let mut width = LANES / 2;
    while width > 0 {
        for l in 0..width {
            lanes[l] += lanes[l + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// Positions of the bits that are set in a byte, ascending; the rest is unused.
static SET_BITS: [[u32; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut bit, mut n) = (0, 0);
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                table[byte][n] = bit;
                n += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    table
};

/// Takes lanes of a block to other places: lane l becomes lane `source[l]`, or zero.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Spread {
    pub(super) source: [u32; LANES],
    /// One bit where there is a source.
    pub(super) keep: LaneMask,
}

impl Spread {
    /// Returns all zeros, whatever is spread.
    pub fn none() -> Self {
        Self { source: [0; LANES], keep: 0 }
    }

    /// Makes lane `to` become lane `from`.
    pub fn set(&mut self, to: usize, from: usize) {
        assert!(from < LANES);
        self.source[to] = from as u32;
        self.keep |= 1 << to;
    }
}

/// Plain arrays: what every machine has, vectorised by the compiler for the target's own instruction set.
#[derive(Clone, Copy, Debug)]
pub struct Portable(());

impl<F: Scalar> Isa<F> for Portable {
    type Vector = [F; LANES];
    type Mask = [bool; LANES];

    #[inline(always)]
    unsafe fn new_unchecked() -> Self {
        Self(())
    }

    #[inline(always)]
    fn splat(self, value: F) -> [F; LANES] {
        [value; LANES]
    }

    #[inline(always)]
    fn load(self, lanes: &Lanes<F>) -> [F; LANES] {
        lanes.0
    }

    #[inline(always)]
    fn store(self, value: [F; LANES], lanes: &mut Lanes<F>) {
        lanes.0 = value;
    }

    #[inline(always)]
    fn add(self, a: [F; LANES], b: [F; LANES]) -> [F; LANES] {
        array(|l| a[l] + b[l])
    }

    #[inline(always)]
    fn sub(self, a: [F; LANES], b: [F; LANES]) -> [F; LANES] {
        array(|l| a[l] - b[l])
    }

    #[inline(always)]
    fn mul(self, a: [F; LANES], b: [F; LANES]) -> [F; LANES] {
        array(|l| a[l] * b[l])
    }

    #[inline(always)]
    fn greater(self, a: [F; LANES], b: [F; LANES]) -> [bool; LANES] {
        array(|l| a[l] > b[l])
    }

    #[inline(always)]
    fn select(self, mask: [bool; LANES], yes: [F; LANES], no: [F; LANES]) -> [F; LANES] {
        array(|l| if mask[l] { yes[l] } else { no[l] })
    }

    #[inline(always)]
    fn bits(self, mask: [bool; LANES]) -> LaneMask {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{__m128i, _mm_movemask_epi8, _mm_slli_epi16};
            // SAFETY: 16 bytes of 0 or 1 are a vector of 16 bytes, and x86-64 always has SSE2. The shift moves every
            // byte's bit 0 to bit 7, which the mask is made of.
            unsafe {
                _mm_movemask_epi8(_mm_slli_epi16::<7>(std::mem::transmute::<[bool; LANES], __m128i>(mask))) as LaneMask
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            mask.iter().enumerate().fold(0, |bits, (l, &lane)| bits | LaneMask::from(lane) << l)
        }
    }

    #[inline(always)]
    fn mask(self, bits: LaneMask) -> [bool; LANES] {
        array(|l| bits >> l & 1 == 1)
    }

    #[inline(always)]
    fn shift_in(self, first: F, value: [F; LANES]) -> [F; LANES] {
        array(|l| if l == 0 { first } else { value[l - 1] })
    }

    #[inline(always)]
    fn spread(self, spread: &Spread, value: [F; LANES]) -> [F; LANES] {
        array(|l| if spread.keep >> l & 1 == 1 { value[spread.source[l] as usize % LANES] } else { F::zero() })
    }
}
