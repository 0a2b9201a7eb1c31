"""Event recordings of sensors, as tonic holds them."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strsbp_rs as sr

W, H, P = 5, 4, 2
# Of tonic's data sets: its io.events_struct, DVSGesture, NMNIST, CIFAR10DVS.
DTYPES = [
    [("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "?")],
    [("x", "<i2"), ("y", "<i2"), ("p", "?"), ("t", "<i8")],
    [("x", "<i8"), ("y", "<i8"), ("t", "<i8"), ("p", "<i8")],
    [("t", "<u8"), ("x", "<u2"), ("y", "<u2"), ("p", "?")],
    [("t", "<f8"), ("x", "<u1"), ("y", "<u1"), ("p", "u1")],
]


def recording(rows, dtype=DTYPES[0]):
    """One of rows (t, x, y, p)."""
    events = np.zeros(len(rows), dtype)
    for key, column in zip("txyp", np.array(rows).reshape(-1, 4).T, strict=True):
        events[key] = column
    return events


def drawn(seed, n=300, span=20_000, dtype=DTYPES[0]):
    rng = np.random.default_rng(seed)
    t = np.sort(rng.integers(0, span, n))
    xyp = [rng.integers(0, size, n) for size in (W, H, P)]
    return recording(np.stack([t, *xyp], axis=1), dtype)


def frames(events, n_steps, us_per_step):
    """Counts (n_steps, P, H, W), event by event."""
    counts = np.zeros((n_steps, P, H, W), int)
    for event in events:
        counts[int(event["t"]) // us_per_step, int(event["p"]), event["y"], event["x"]] += 1
    return counts


def trains_of(events, **options):
    options = {"sensor_size": (W, H, P), "time_unit": "us", "repeated": "count", **options}
    return sr.SpikeTrains.from_events(events, **options)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("dt", [1.0, 0.5, 2])
def test_recordings_are_taken_as_they_are(dtype, dt):
    recordings = [drawn(seed, dtype=dtype) for seed in range(3)]
    before = [events.copy() for events in recordings]
    trains = trains_of(recordings, dt=dt, n_steps=40)
    expected = np.stack([frames(events, 40, int(1000 * dt)) for events in recordings])
    np.testing.assert_array_equal(trains.to_counts(), expected.reshape(3, 40, P * H * W))
    assert trains == sr.SpikeTrains.from_dense(expected)
    for events, same in zip(recordings, before, strict=True):
        np.testing.assert_array_equal(events, same)


def test_steps_reach_to_the_last_event():
    long, short = recording([(0, 0, 0, 0), (9_999, 1, 0, 0)]), recording([(3_000, 1, 0, 0)])
    assert trains_of([short, long]).shape == (2, 10, W * H * P)
    assert trains_of([short]).shape[1] == 4
    assert trains_of([short, long], n_steps=30).shape[1] == 30
    assert trains_of([short, long])[:, :5] == trains_of(
        [short, recording([(0, 0, 0, 0)])], n_steps=5
    )
    with pytest.raises(
        ValueError, match=r"events\[1\]\['t'\]\[1\] must be a step in \[0, 9\), got 9"
    ):
        trains_of([short, long], n_steps=9)
    with pytest.raises(ValueError, match="n_steps must be given where no event says it"):
        trains_of([short[:0]])
    assert trains_of([short[:0]], n_steps=3).n_spikes == 0


def test_pixels_are_numbered_as_arrays_of_p_h_w():
    one = trains_of([recording([(0, 3, 2, 1)])])
    assert one.to_events()[0]["x"].tolist() == [3 + W * (2 + H * 1)]
    np.testing.assert_array_equal(np.argwhere(one.to_dense().reshape(P, H, W)), [[1, 2, 3]])


def test_tonic_numbers_them_alike():
    transforms = pytest.importorskip("tonic.transforms")
    recordings = [drawn(seed) for seed in range(2)]
    for events in recordings:
        events["t"][0], events["t"][-1] = 0, 20_000
    framed = [
        transforms.ToFrame((W, H, P), time_window=1000)(events.copy()) for events in recordings
    ]
    trains = trains_of(recordings)[:, :20]
    assert framed[0].shape == (20, P, H, W)
    assert trains == sr.SpikeTrains.from_dense(np.stack(framed))
    net = sr.Network(W * H * P, [sr.Dense(3, v_th=1.0)], seed=1)
    np.testing.assert_array_equal(net.spike_counts(trains), net.spike_counts(np.stack(framed)))


def test_sensors_of_one_line_and_of_one_polarity():
    # tonic's SHD: (700, 1, 1), fields t, x and p, p being 1 throughout.
    audio = np.array([(0, 5, 1), (1500, 699, 1)], [("t", "i8"), ("x", "i8"), ("p", "i8")])
    trains = trains_of([audio], sensor_size=(700, 1, 1))
    assert trains.shape == (1, 2, 700)
    assert trains.to_events()[0].tolist() == [(0, 5), (1, 699)]
    assert trains_of([audio], sensor_size=None, n_neurons=700) == trains
    # Both polarities onto one: they count alike.
    merged = trains_of([drawn(0)], sensor_size=(W, H, 1), n_steps=20)
    both = trains_of([drawn(0)], n_steps=20).to_counts().reshape(20, P, H * W)
    np.testing.assert_array_equal(merged.to_counts()[0], both.sum(axis=1))


def test_what_coincided_is_said():
    events = [drawn(0), drawn(1)]
    counts = np.stack([frames(one, 20, 1000) for one in events])
    lost = 600 - np.count_nonzero(counts)
    assert lost > 10
    with pytest.warns(
        sr.RepeatedEventsWarning, match=rf"^{lost} of 600 events \(.*repeated='count'"
    ):
        trains = trains_of(events, n_steps=20, repeated=None)
    assert trains.n_spikes == 600 - lost
    assert trains_of(events, n_steps=20, repeated="merge") == trains
    np.testing.assert_array_equal(trains.to_dense(), counts.reshape(2, 20, -1) > 0)
    assert trains_of(events, n_steps=20).n_spikes == 600
    # Nothing coincides: nothing to say.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trains_of([recording([(0, 0, 0, 0), (0, 0, 0, 1), (1000, 0, 0, 0)])], repeated=None)


@pytest.mark.parametrize(
    ("t", "unit", "dt", "step"),
    [
        *[(999, "us", 1.0, 0), (1000, "us", 1.0, 1), (1999, "us", 1, 1), (299, "us", 0.1, 2)],
        *[(300, "us", 0.1, 3), (7, "us", 0.007, 1), (5, "ms", 2.5, 2), (4, "ms", 2.5, 1)],
        # In floats 0.3 / 0.1 is below 3, and 0.7 s / 0.1 ms below 7000.
        *[(0.3, "ms", 0.1, 3), (0.7, "s", 0.1, 7000), (0.0299, "s", 10.0, 2), (2, "s", 1.0, 2000)],
        *[(3, "step", 1.0, 3), (1, "us", 0.0003, 3), (10, "us", 1 / 3, 0)],
    ],
)
def test_the_step_an_event_falls_into(t, unit, dt, step):
    events = np.array([(t, 0)], [("t", type(t)), ("x", int)])
    trains = trains_of([events], sensor_size=None, n_neurons=1, time_unit=unit, dt=dt)
    assert trains.to_events()[0]["t"].tolist() == [step]


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**5), min_size=1, max_size=20), st.integers(1, 5000))
def test_steps_are_those_of_whole_numbers(times, us_per_step):
    times = np.sort(times)
    for kind in (np.int64, np.float64):
        events = np.zeros(len(times), [("t", kind), ("x", np.int8)])
        events["t"] = times
        trains = trains_of([events], sensor_size=None, n_neurons=1, dt=us_per_step / 1000)
        np.testing.assert_array_equal(trains.to_events()[0]["t"], times // us_per_step)


@pytest.mark.parametrize(
    ("rows", "options", "error", "message"),
    [
        ([(0, 5, 0, 0)], {}, ValueError, r"events\[0\]\['x'\]\[0\] must be in \[0, 5\), got 5"),
        ([(0, -1, 0, 0)], {}, ValueError, r"events\[0\]\['x'\]\[0\] must be in \[0, 5\), got -1"),
        ([(0, 0, 4, 0)], {}, ValueError, r"events\[0\]\['y'\]\[0\] must be in \[0, 4\), got 4"),
        ([(0, 0, 0, 0), (0, 0, 0, 1)], {"sensor_size": (5, 4, 0)}, ValueError, r"sensor_size\[2\]"),
        ([(0, 0, 0, 0), (-1, 0, 0, 0)], {"n_steps": 9}, ValueError, "must be a step in .* got -1"),
        ([(9000, 0, 0, 0), (0, 0, 0, 0)], {}, ValueError, r"must be >= events\[0\]\['t'\]\[0\]"),
        ([], {"sensor_size": (5, 4)}, ValueError, r"sensor_size must be \(width, height, polar"),
        ([], {"sensor_size": 5}, TypeError, "sensor_size must be integers, got 5"),
        ([], {"sensor_size": (5, 4, 1.5)}, TypeError, r"sensor_size\[2\] must be an integer"),
        ([], {"n_neurons": 40}, ValueError, "either n_neurons or sensor_size must be given"),
        ([], {"sensor_size": None}, ValueError, "either n_neurons or sensor_size must be given"),
        ([], {"time_unit": None}, ValueError, "time_unit must be given with sensor_size .'us'"),
        ([], {"time_unit": "ns"}, ValueError, r"time_unit must be one of .*got 'ns'; did you mean"),
        ([], {"dt": 0.0}, ValueError, r"dt must be finite and > 0 ms, got 0\.0"),
        ([], {"dt": float("nan")}, ValueError, "dt must be finite and > 0 ms, got nan"),
        ([], {"dt": "1"}, TypeError, "dt must be a number, got '1'"),
        ([], {"time_unit": "step", "dt": 0.5}, ValueError, "dt must be left out where t counts"),
        (
            [],
            {"repeated": True},
            TypeError,
            r"repeated must be one of \['merge', 'count'\], got True",
        ),
    ],
)
def test_what_is_refused(rows, options, error, message):
    with pytest.raises(error, match=message):
        trains_of([recording(rows)], **options)


def test_fields_that_are_missing_or_of_other_types():
    def of(fields, **options):
        return trains_of([np.zeros(2, fields)], **options)

    with pytest.raises(
        TypeError, match=r"fields \('t', 'x'\), expected y too: sensor_size=\(5, 4, 2"
    ):
        of([("t", int), ("x", int)])
    with pytest.raises(TypeError, match=r"expected p too: sensor_size=\(5, 4, 2\)"):
        of([("t", int), ("x", int), ("y", int)])
    assert of([("t", int), ("x", int), ("y", int)], sensor_size=(5, 4, 1)).n_spikes == 2
    with pytest.raises(TypeError, match=r"events\[0\]\['x'\] has dtype float64, expected integers"):
        of([("t", int), ("x", float), ("y", int), ("p", bool)])
    with pytest.raises(TypeError, match=r"events\[0\]\['p'\] has dtype float32, expected integers"):
        of([("t", int), ("x", int), ("y", int), ("p", "f4")])
    with pytest.raises(TypeError, match=r"events\[0\]\['t'\] has dtype float64, expected integers"):
        of([("t", float), ("x", int), ("y", int), ("p", bool)], time_unit="step")
    with pytest.raises(TypeError, match=r"events\[0\] has fields \('x',\), expected a structured"):
        of([("x", int)])
    with pytest.raises(TypeError, match=r"events must be a list of event arrays, .*got one array"):
        trains_of(drawn(0))
    for bad in (None, 5, {}, "ab"):
        with pytest.raises(TypeError, match=r"events must be a list of event arrays, .*got"):
            trains_of(bad)
    for bad in (float("nan"), float("inf"), 1e300):
        events = np.array([(bad, 0, 0, 0)], DTYPES[4])
        with pytest.raises(ValueError, match=r"events\[0\]\['t'\]\[0\] must be within 2\^53 steps"):
            trains_of([events])
