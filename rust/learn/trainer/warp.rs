//! Images of which every pixel is taken from elsewhere, between pixels: rotation, scaling and elastic distortion.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use crate::network::Shape;

/// A value of an image: a byte, or a float in [0, 1].
pub trait Pixel: Copy + Default {
    /// Returns the value as a float.
    fn to_float(self) -> f64;
    /// Returns the value nearest to a mean of values.
    fn from_mean(mean: f64) -> Self;
}

impl Pixel for u8 {
    fn to_float(self) -> f64 {
        self.into()
    }

    fn from_mean(mean: f64) -> Self {
        (mean + 0.5) as Self
    }
}

impl Pixel for f32 {
    fn to_float(self) -> f64 {
        self.into()
    }

    fn from_mean(mean: f64) -> Self {
        f64::from_mean(mean) as Self
    }
}

impl Pixel for f64 {
    fn to_float(self) -> f64 {
        self
    }

    fn from_mean(mean: f64) -> Self {
        // Rounding may have left what is between ones above one.
        mean.clamp(0.0, 1.0)
    }
}

/// Says where pixels are after a shift and a reflection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placement {
    /// Shift of where a pixel is taken from.
    pub(super) from: [isize; 2],
    /// Whether the image is mirrored left to right.
    pub(super) flip: bool,
}

impl Placement {
    /// Returns the row and column that the pixel at (y, x) is taken from, which may lie outside.
    pub(super) fn source(self, [y, x]: [usize; 2], width: usize) -> [isize; 2] {
        let x = if self.flip { width - 1 - x } else { x };
        [y as isize + self.from[0], x as isize + self.from[1]]
    }
}

/// Rotates an image and scales it along its axes, about its centre.
#[derive(Clone, Copy, Debug)]
pub(super) struct Warp {
    /// From where a pixel is, seen from the centre, to where it is taken from.
    back: [[f64; 2]; 2],
}

impl Warp {
    /// Makes what scales an image by the factors along (y, x), then rotates it counter-clockwise by an angle in degrees.
    pub(super) fn new(angle: f64, [scale_y, scale_x]: [f64; 2]) -> Self {
        // Rounded, so that the last bit of a platform's libm changes no image.
        let (sin, cos) = angle.to_radians().sin_cos();
        let (sin, cos) = (f64::from(sin as f32), f64::from(cos as f32));
        // Rows are counted downwards.
        Self { back: [[cos / scale_y, sin / scale_y], [-sin / scale_x, cos / scale_x]] }
    }

    fn source(&self, [y, x]: [f64; 2]) -> [f64; 2] {
        self.back.map(|row| row[0] * y + row[1] * x)
    }
}

/// Holds displacements of pixels, drawn at random and smoothed, along (y, x); without any where there are none.
///
/// The fields are smoothed as if they went on periodically, so that pixels at the edge are displaced as far as others.
#[derive(Clone, Debug, Default)]
pub(super) struct ElasticFields {
    fields: [Vec<f32>; 2],
    kernel: Vec<f32>,
    noise: Vec<f32>,
    rows: Vec<f32>,
    wrapped: Vec<f32>,
}

impl ElasticFields {
    /// Takes the displacements away.
    pub(super) fn clear(&mut self) {
        self.fields.iter_mut().for_each(Vec::clear);
    }

    /// Draws displacements uniformly from [-1, 1] and smoothes them with a Gaussian of standard deviation `sigma`, cut at three.
    ///
    /// Simard, Steinkraus & Platt, Best practices for convolutional neural networks applied to visual document analysis, ICDAR 2003.
    pub(super) fn draw(&mut self, [height, width]: [usize; 2], sigma: f64, rng: &mut ChaCha8Rng) {
        let Self { fields, kernel, noise, rows, wrapped } = self;
        gaussian(sigma, kernel);
        for field in fields {
            noise.clear();
            noise.extend((0..height * width).map(|_| rng.next_u32() as i32 as f32 * (1.0 / 2_147_483_648.0)));
            rows.clear();
            rows.resize(noise.len(), 0.0);
            for (row, out) in noise.chunks_exact(width).zip(rows.chunks_exact_mut(width)) {
                smooth_row(row, kernel, wrapped, out);
            }
            field.clear();
            field.resize(noise.len(), 0.0);
            smooth_columns(rows, width, kernel, field);
        }
    }

    /// Returns the displacement along (y, x) at a place that may lie outside, by less than the image is large.
    fn at(&self, [y, x]: [isize; 2], [height, width]: [usize; 2]) -> [f64; 2] {
        let (y, x) = (periodic(y, height), periodic(x, width));
        [0, 1].map(|axis| f64::from(self.fields[axis][y * width + x]))
    }
}

/// Where a place is in an image that goes on periodically; it lies outside by less than a `side`.
fn periodic(at: isize, side: usize) -> usize {
    let side = side as isize;
    let inside = if at < 0 { at + side } else { at };
    (if inside >= side { inside - side } else { inside }) as usize
}

/// One half of a Gaussian, with its middle; the whole sums to 1.
fn gaussian(sigma: f64, kernel: &mut Vec<f32>) {
    let density = |at: usize| (-0.5 * (at as f64 / sigma).powi(2)).exp();
    let reach = (3.0 * sigma).ceil() as usize;
    let sum = 1.0 + 2.0 * (1..=reach).map(density).sum::<f64>();
    kernel.clear();
    kernel.extend((0..=reach).map(|at| (density(at) / sum) as f32));
}

/// Smoothes along a row that goes on periodically.
fn smooth_row(row: &[f32], kernel: &[f32], wrapped: &mut Vec<f32>, out: &mut [f32]) {
    let (width, reach) = (row.len(), kernel.len() - 1);
    let before = (width - reach % width) % width;
    wrapped.clear();
    wrapped.extend_from_slice(&row[before..]);
    while wrapped.len() < width + 2 * reach {
        wrapped.extend_from_slice(row);
    }
    for (distance, &weight) in kernel.iter().enumerate() {
        let (left, right) = (&wrapped[reach - distance..][..width], &wrapped[reach + distance..][..width]);
        add_pair(left, right, half_of_middle(distance, weight), out);
    }
}

/// Smoothes along columns that go on periodically.
fn smooth_columns(rows: &[f32], width: usize, kernel: &[f32], out: &mut [f32]) {
    let height = rows.len() / width;
    for (y, out) in out.chunks_exact_mut(width).enumerate() {
        for (distance, &weight) in kernel.iter().enumerate() {
            let back = (y + height - distance % height) % height;
            let ahead = (y + distance) % height;
            let [above, below] = [back, ahead].map(|at| &rows[at * width..][..width]);
            add_pair(above, below, half_of_middle(distance, weight), out);
        }
    }
}

/// The middle of a kernel counts once, though both of its sides are added.
fn half_of_middle(distance: usize, weight: f32) -> f32 {
    if distance == 0 { 0.5 * weight } else { weight }
}

fn add_pair(a: &[f32], b: &[f32], weight: f32, out: &mut [f32]) {
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        *out += weight * (a + b);
    }
}

/// Appends to `out` the image scaled, rotated and distorted by `elastic` times the fields, then placed: bilinear, 0 outside.
pub(super) fn warp<T: Pixel>(
    image: &[T],
    shape: Shape,
    placement: Placement,
    rigid: &Warp,
    (fields, elastic): (&ElasticFields, f64),
    out: &mut Vec<T>,
) {
    let Shape { height, width, .. } = shape;
    let centre = [height, width].map(|side| (side - 1) as f64 / 2.0);
    out.resize(image.len(), T::default());
    for y in 0..height {
        for x in 0..width {
            let place = placement.source([y, x], width);
            let mut from = rigid.source([0, 1].map(|axis| place[axis] as f64 - centre[axis]));
            if elastic > 0.0 {
                let shift = fields.at(place, [height, width]);
                from = [0, 1].map(|axis| from[axis] + elastic * shift[axis]);
            }
            let between = Between::new([from[0] + centre[0], from[1] + centre[1]], [height, width]);
            let Some(between) = between else { continue };
            for (channel, out) in image.chunks_exact(shape.plane()).zip(out.chunks_exact_mut(shape.plane())) {
                out[y * width + x] = T::from_mean(between.mean(channel));
            }
        }
    }
}

/// A place between four pixels.
struct Between {
    /// Where the pixels are that lie within the image: upper left and right, lower left and right.
    pixels: [Option<usize>; 4],
    /// How far down and to the right of the upper left one.
    part: [f64; 2],
}

impl Between {
    /// Finds the four pixels around (y, x); `None` if all lie outside.
    fn new(place: [f64; 2], [height, width]: [usize; 2]) -> Option<Self> {
        let [y, x] = place;
        // Also false of what is no number.
        let near = y > -1.0 && x > -1.0 && y < height as f64 && x < width as f64;
        if !near {
            return None;
        }
        // Both are positive, where rounding towards zero is that downwards.
        let [above, left] = place.map(|at| (at + 1.0) as usize);
        let part = [y - (above as f64 - 1.0), x - (left as f64 - 1.0)];
        let pixel = |y: usize, x: usize| {
            let inside = (1..=height).contains(&y) && (1..=width).contains(&x);
            inside.then(|| (y - 1) * width + x - 1)
        };
        let pixels = [pixel(above, left), pixel(above, left + 1), pixel(above + 1, left), pixel(above + 1, left + 1)];
        Some(Self { pixels, part })
    }

    /// Returns the mean of the four pixels, the nearer the more.
    fn mean<T: Pixel>(&self, channel: &[T]) -> f64 {
        let [a, b, c, d] = self.pixels.map(|at| at.map_or(0.0, |at| channel[at].to_float()));
        let [down, right] = self.part;
        let (upper, lower) = (a + (b - a) * right, c + (d - c) * right);
        upper + (lower - upper) * down
    }
}

#[cfg(test)]
#[path = "warp_tests.rs"]
mod tests;
