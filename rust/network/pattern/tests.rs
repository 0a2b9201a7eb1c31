use super::*;

fn synapses(pattern: &Pattern) -> Vec<(u32, u32, u32, u32)> {
    let mut found = Vec::new();
    for pre in 0..pattern.pre().n() {
        pattern.for_each_synapse(pre, |post, Place { row, column }| found.push((pre as u32, post, row, column)));
    }
    found
}

/// All patterns, of small sizes.
fn patterns() -> [Pattern; 4] {
    let shape = Shape { channels: 2, height: 3, width: 1 };
    [
        Pattern::Dense(Dense { pre: Shape::flat(3), post: Shape::flat(2) }),
        Pattern::Dense(Dense { pre: shape, post: Shape::flat(1) }),
        Pattern::Lateral(Lateral { shape: Shape::flat(4), strength: 0.5 }),
        Pattern::Lateral(Lateral { shape, strength: 0.25 }),
    ]
}

#[test]
fn synapses_join_neurons_of_the_shapes_by_places_of_the_matrix() {
    for pattern in patterns() {
        let ([rows, columns], found) = (pattern.matrix(), synapses(&pattern));
        assert!(!found.is_empty());
        for &(pre, post, row, column) in &found {
            assert!((pre as usize) < pattern.pre().n() && (post as usize) < pattern.post().n());
            assert!((row as usize) < rows && (column as usize) < columns, "{pattern:?}");
            assert_eq!(row as usize, pattern.row(post as usize), "{pattern:?}");
        }
        let order: Vec<_> = found.iter().map(|&(pre, post, ..)| (pre, post)).collect();
        assert!(order.is_sorted_by(|a, b| a < b), "{pattern:?}");
    }
}

#[test]
fn dense_has_a_weight_for_every_pair() {
    let found = synapses(&patterns()[0]);
    assert_eq!(found, [(0, 0, 0, 0), (0, 1, 1, 0), (1, 0, 0, 1), (1, 1, 1, 1), (2, 0, 0, 2), (2, 1, 1, 2)]);
    assert!(patterns()[0].is_trainable() && patterns()[0].constant().is_none());
}

#[test]
fn lateral_inhibits_all_others_by_a_constant() {
    let found = synapses(&patterns()[2]);
    assert_eq!(found.len(), 12);
    assert!(found.iter().all(|&(pre, post, row, column)| pre != post && (row, column) == (post, pre)));
    assert_eq!(patterns()[2].constant(), Some(-0.5));
    assert!(!patterns()[2].is_trainable());
}
