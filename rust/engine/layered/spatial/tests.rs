use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::*;
use crate::engine::layered::plan::Plan;
use crate::network::Network;

const N_STEPS: usize = 300;

fn layer(kind: &str, more: Value) -> Value {
    let mut layer =
        json!({"kind": kind, "tau_m": 20.0, "tau_s": 5.0, "v_th": 0.7, "t_ref": 2.0, "discretisation": "euler"});
    layer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    layer
}

fn conv(kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2], dilation: [usize; 2], groups: usize) -> Value {
    let more = json!({"channels": 6, "kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation,
        "groups": groups, "init": {"kind": "uniform", "low": -0.5, "high": 1.5},
        "delay": {"kind": "uniform_delay", "low": 0.0, "high": 9.0}});
    layer("conv2d", more)
}

/// Runs the only layer of a network over random spikes, with tiles or without.
fn run(net: &Network<f64>, is_ordered: bool) -> Vec<Vec<u32>> {
    let (pre, layer) = (net.layers()[0].below().pattern().pre(), &net.layers()[0]);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let (mut below, mut by_time) = (PaddedRows::default(), PaddedRows::default());
    below.clear(pre.n());
    for _ in 0..N_STEPS {
        for at in 0..pre.plane() {
            (0..pre.channels)
                .filter(|_| rng.next_u32() % 20 == 0)
                .for_each(|c| below.push((c * pre.plane() + at) as u32));
        }
        below.end_row();
    }
    by_time.clear(layer.n_out());
    let Plan::Spatial(connection, spatial) = Plan::of(layer) else { panic!("not in a plane") };
    let mut scratch = SpatialScratch::default();
    for _ in 0..2 {
        // The second time nothing of the first may be left.
        by_time.clear(layer.n_out());
        spatial_layer(
            connection,
            spatial,
            layer.lif(),
            layer.thresholds(),
            N_STEPS,
            &below,
            is_ordered,
            &mut by_time,
            &mut scratch,
        );
    }
    (0..N_STEPS).map(|t| by_time.row(t).to_vec()).collect()
}

#[test]
fn tiles_are_the_whole_plane() {
    let pool = |kernel, stride| {
        layer("avg_pool2d", json!({"kernel": kernel, "stride": stride, "padding": [1, 1], "v_th": 0.05}))
    };
    let one = [1, 1];
    let layers = [
        conv([3, 3], one, one, one, 1),
        conv([2, 3], [2, 1], [0, 4], one, 2),
        conv([3, 2], [1, 2], [3, 0], [2, 3], 1),
        conv([1, 2], [3, 3], one, one, 1),
        pool([2, 2], [2, 2]),
        pool([3, 3], [2, 2]),
    ];
    for layer in layers {
        let network = json!({"n_in": 4 * 17 * 30, "in_shape": [4, 17, 30], "layers": [layer], "dt": 1.0, "seed": 2});
        let net = Network::<f64>::new(serde_json::from_value(network).unwrap()).unwrap();
        let post = net.layers()[0].shape();
        assert!(post.plane() * size_of::<LifLanes<f64>>() > TILE, "several tiles");
        let found = run(&net, true);
        let n = found.iter().flatten().count();
        assert!(n > 1000, "{n} spikes");
        assert_eq!(found, run(&net, false));
    }
}
