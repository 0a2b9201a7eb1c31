//! Gradients of the trainable connections, one flat buffer with a view of each.

use crate::memory::{OrUnwind, filled};
use crate::network::{Network, Origin, PanelShape, PanelsView, PanelsViewMut};
use crate::simd::{Lanes, Real};

/// A number for each parameter of a network, in the layout of the weights: gradients, or the moments of an optimizer.
///
/// One buffer holds those of all trainable connections, in the order of [`Network::trainable`]; what goes through all numbers, or adds
/// those of several processes, needs no more than it. Where no synapse exists they may be anything.
#[derive(Clone, Debug)]
pub struct Gradients<F> {
    data: Vec<Lanes<F>>,
    parts: Vec<Part>,
}

/// Where the numbers of a connection are.
#[derive(Clone, Copy, Debug)]
struct Part {
    layer: usize,
    origin: Origin,
    /// Of the weights: (n_out, n_taps * n_in).
    shape: PanelShape,
    start: usize,
    end: usize,
}

/// Gradients of a layer's connections; `None` where one is not trainable.
#[derive(Debug)]
pub struct LayerGradients<'a, F> {
    /// Those of the connection from the layer below.
    pub below: Option<PanelsViewMut<'a, F>>,
    /// Those of the connection of the layer onto itself.
    pub itself: Option<PanelsViewMut<'a, F>>,
}

impl<F: Real> Gradients<F> {
    /// Makes zeros in the shape of the network's weights.
    pub fn zeros(net: &Network<F>) -> Self {
        let (mut parts, mut start) = (Vec::new(), 0usize);
        for (layer, connection) in net.trainable() {
            let shape = connection.weight().shape();
            let end = start + connection.weight().data().len();
            parts.push(Part { layer, origin: connection.origin(), shape, start, end });
            start = end;
        }
        Self { data: filled("gradients of all weights", Some(start), Lanes::zero()).or_unwind(), parts }
    }

    /// Sets all to zero.
    pub fn clear(&mut self) {
        self.data.fill(Lanes::zero());
    }

    /// Returns the numbers of all connections, one connection after the other.
    pub fn data(&self) -> &[Lanes<F>] {
        &self.data
    }

    /// Returns the numbers of all connections, to be changed; those beyond the matrices must stay zero.
    pub fn data_mut(&mut self) -> &mut [Lanes<F>] {
        &mut self.data
    }

    /// Returns the numbers of each connection, in the order of [`Network::trainable`].
    pub fn parts(&self) -> impl Iterator<Item = PanelsView<'_, F>> {
        self.parts.iter().map(|part| PanelsView::of(part.shape, &self.data[part.start..part.end]))
    }

    /// Returns the numbers of each connection, to be changed, in the order of [`Network::trainable`].
    pub fn parts_mut(&mut self) -> impl Iterator<Item = PanelsViewMut<'_, F>> {
        views_mut(&self.parts, &mut self.data).map(|(_, panels)| panels)
    }

    /// Returns the numbers of a layer's connection from `origin`; `None` if it is not trainable.
    pub fn of(&self, layer: usize, origin: Origin) -> Option<PanelsView<'_, F>> {
        let part = self.parts.iter().find(|part| (part.layer, part.origin) == (layer, origin))?;
        Some(PanelsView::of(part.shape, &self.data[part.start..part.end]))
    }

    /// Returns the numbers of a layer's connections, to be changed.
    pub fn layer_mut(&mut self, layer: usize) -> LayerGradients<'_, F> {
        let mut found = LayerGradients { below: None, itself: None };
        for (part, panels) in views_mut(&self.parts, &mut self.data).filter(|(part, _)| part.layer == layer) {
            match part.origin {
                Origin::Below => found.below = Some(panels),
                Origin::Itself => found.itself = Some(panels),
            }
        }
        found
    }
}

/// Splits a buffer into its parts.
fn views_mut<'a, F: Real>(
    parts: &'a [Part],
    mut rest: &'a mut [Lanes<F>],
) -> impl Iterator<Item = (&'a Part, PanelsViewMut<'a, F>)> {
    parts.iter().map(move |part| {
        let data = rest.split_off_mut(..part.end - part.start).expect("the buffer holds all parts");
        (part, PanelsViewMut::of(part.shape, data))
    })
}
