//! Which neurons fire at all.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::engine::layered::SampleSpikes;

/// Tells of every neuron of every layer whether it has fired in any sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    layers: Vec<Vec<bool>>,
}

impl Activity {
    /// Adds the neurons of layer `layer`, of `n` neurons, that fire.
    pub(crate) fn add_firing(&mut self, layer: usize, n: usize, firing: impl Iterator<Item = u32>) {
        self.layers.resize_with(self.layers.len().max(layer + 1), Vec::new);
        let fired = &mut self.layers[layer];
        fired.resize(n, false);
        firing.for_each(|i| fired[i as usize] = true);
    }

    /// Adds the neurons of the same layers that fired in other samples.
    pub fn add(&mut self, other: &Self) {
        for (layer, fired) in other.layers.iter().enumerate() {
            let firing = (0..fired.len() as u32).filter(|&i| fired[i as usize]);
            self.add_firing(layer, fired.len(), firing);
        }
    }

    /// Counts the neurons of every layer that never fired.
    pub fn silent(&self) -> Vec<usize> {
        self.layers.iter().map(|fired| fired.iter().filter(|&&fired| !fired).count()).collect()
    }
}

/// Collects an [`Activity`] while many threads look at samples, whose order cannot be told afterwards.
#[derive(Debug)]
pub(crate) struct SharedActivity {
    layers: Vec<Vec<AtomicBool>>,
    /// Layers with neurons that have not fired yet: the others need no second look.
    open: Vec<bool>,
}

impl SharedActivity {
    /// Begins with layers of these sizes, none of whose neurons has fired.
    pub(crate) fn new(sizes: impl Iterator<Item = usize>) -> Self {
        let layers: Vec<Vec<_>> = sizes.map(|n| (0..n).map(|_| AtomicBool::new(false)).collect()).collect();
        Self { open: vec![true; layers.len()], layers }
    }

    /// Adds the neurons that fire in a sample, listed by time.
    pub(crate) fn add_firing(&self, spikes: &SampleSpikes) {
        let layers = self.layers.iter().zip(&spikes.layers).zip(&self.open).filter(|(_, open)| **open);
        for ((fired, layer), _) in layers {
            layer.by_time.for_each_listed(|i| {
                let fired = &fired[i as usize];
                // Read first: written once, the line then stays in the caches of all threads.
                if !fired.load(Ordering::Relaxed) {
                    fired.store(true, Ordering::Relaxed);
                }
            });
        }
    }

    /// Closes the layers in which every neuron has fired.
    pub(crate) fn close(&mut self) {
        for (open, fired) in self.open.iter_mut().zip(&self.layers) {
            *open = *open && fired.iter().any(|fired| !fired.load(Ordering::Relaxed));
        }
    }

    /// Returns which neurons have fired.
    pub(crate) fn into_activity(self) -> Activity {
        let layers = self.layers.into_iter().map(|fired| fired.into_iter().map(AtomicBool::into_inner).collect());
        Activity { layers: layers.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Isa, Portable};

    fn sample(rows: &[&[u32]]) -> SampleSpikes {
        let mut spikes = SampleSpikes::new(1);
        spikes.layers[0].by_time.clear(4);
        rows.iter().for_each(|row| spikes.layers[0].by_time.push_row(row));
        spikes
    }

    #[test]
    fn neurons_that_never_fired_are_counted_layer_by_layer() {
        let mut activity = Activity::default();
        activity.add_firing(0, 3, [2].into_iter());
        activity.add_firing(1, 2, [].into_iter());
        let mut other = Activity::default();
        other.add_firing(0, 3, [0, 2].into_iter());
        other.add_firing(1, 2, [1].into_iter());
        assert_eq!(activity.silent(), [2, 2]);
        activity.add(&other);
        assert_eq!(activity.silent(), [1, 1]);
        other.add(&Activity::default());
        assert_eq!(other.silent(), [1, 1]);
    }

    #[test]
    fn shared_marks_are_those_of_all_samples() {
        let mut shared = SharedActivity::new([4].into_iter());
        shared.add_firing(&sample(&[&[], &[0, 3]]));
        shared.close();
        shared.add_firing(&sample(&[&[1], &[0]]));
        shared.close();
        assert_eq!(shared.open, [true]);
        assert_eq!(shared.into_activity().silent(), [1]);
    }

    #[test]
    fn marks_of_lists_and_of_masks_are_the_same() {
        // SAFETY: every processor has it.
        let isa = unsafe { <Portable as Isa<f32>>::new_unchecked() };
        let mut by_masks = SampleSpikes::new(1);
        by_masks.layers[0].by_time.clear(37);
        for masks in [[0b1001, 0, 0], [1 << 15, 0b1010, 1 << 4], [0, 0b10, 0]] {
            by_masks.layers[0].by_time.push_masks::<f32, _>(isa, &masks);
        }
        let shared = [SharedActivity::new([37].into_iter()), SharedActivity::new([37].into_iter())];
        shared[0].add_firing(&by_masks);
        let rows: Vec<&[u32]> = (0..3).map(|t| by_masks.layers[0].by_time.row(t)).collect();
        let mut by_lists = SampleSpikes::new(1);
        by_lists.layers[0].by_time.clear(37);
        rows.iter().for_each(|row| by_lists.layers[0].by_time.push_row(row));
        shared[1].add_firing(&by_lists);
        let [of_masks, of_lists] = shared.map(SharedActivity::into_activity);
        assert_eq!(of_masks, of_lists);
        assert_eq!(of_masks.silent(), [31]);
    }

    #[test]
    fn a_layer_in_which_all_have_fired_is_not_looked_at_again() {
        let mut shared = SharedActivity::new([4].into_iter());
        shared.add_firing(&sample(&[&[0, 1, 2, 3]]));
        shared.close();
        assert_eq!(shared.open, [false]);
        assert_eq!(shared.into_activity().silent(), [0]);
    }
}
