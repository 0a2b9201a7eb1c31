//! Synapses found by their neurons are those that presynaptic neurons list.

use proptest::prelude::*;

use super::*;

/// Draws sizes along an axis: places, kernel, stride, padding, dilation.
fn axis() -> impl Strategy<Value = [usize; 5]> {
    let sizes = [1..8usize, 1..5, 1..4, 0..6, 1..4];
    sizes.prop_filter("a window that fits", |&[pre, kernel, _, padding, dilation]| {
        dilation * (kernel - 1) < pre + 2 * padding
    })
}

fn spatial() -> impl Strategy<Value = Pattern> {
    (axis(), axis(), 1..3usize, 1..3usize, 1..3usize, 0..4u8).prop_map(|(y, x, groups, n_in, n_out, kind)| {
        let both = |at: usize| [y[at], x[at]];
        let pre = Shape { channels: groups * n_in, height: y[0], width: x[0] };
        if kind == 0 {
            let pool = MaxPool2d::new("layers[0]", pre, both(1), both(2), both(3));
            return pool.map_or(Pattern::Dense(Dense { pre, post: Shape::flat(2) }), Pattern::MaxPool2d);
        }
        if kind == 1 {
            let pool = AvgPool2d::new("layers[0]", pre, both(1), both(2), both(3));
            return pool.map_or(Pattern::Dense(Dense { pre, post: Shape::flat(2) }), Pattern::AvgPool2d);
        }
        let (channels, dilation) = (groups * n_out, both(4));
        let sizes = ConvSizes { channels, kernel: both(1), stride: both(2), padding: both(3), dilation, groups };
        Pattern::Conv2d(Conv2d::new("layers[0]", pre, sizes).unwrap())
    })
}

proptest! {
    #[test]
    fn places_are_those_of_the_synapses(
        pattern in prop_oneof![
            4 => spatial(),
            1 => (1..5usize).prop_map(|n| Pattern::Lateral(Lateral { shape: Shape::flat(n), strength: 1.0 })),
        ],
    ) {
        let mut onto = vec![0; pattern.post().n()];
        for pre in 0..pattern.pre().n() {
            let mut listed = vec![None; onto.len()];
            pattern.for_each_synapse(pre, |post, place| {
                listed[post as usize] = Some(place);
                onto[post as usize] += 1;
            });
            let found: Vec<_> = (0..onto.len()).map(|post| pattern.place(pre, post)).collect();
            prop_assert_eq!(found, listed);
        }
        let most = onto.into_iter().max().unwrap();
        let diagonal = usize::from(pattern.spatial_kind().is_none() && pattern.constant().is_some());
        prop_assert_eq!(pattern.most_onto(), most + diagonal);
    }
}
