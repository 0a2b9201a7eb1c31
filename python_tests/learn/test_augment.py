"""Augmentation of images: as the oracle has it, and the same however it is computed."""

import re

import numpy as np
import pytest
from oracle.augment import augmented

import strsbp_rs as sr
from strsbp_rs.recipes._recipe import RecipeError, load_recipe

KINDS = {
    "none": {"max_shift": 0, "flip_horizontal": False},
    "shift": {"flip_horizontal": False},
    "flip": {"max_shift": 0},
    "often": {"shift_probability": 0.5},
    "rotation": {"rotation": 25.0, "max_shift": 0, "flip_horizontal": False},
    "scale": {"scale": 0.4, "max_shift": 0, "flip_horizontal": False},
    "elastic": {"elastic": 9.0, "elastic_sigma": 1.7, "max_shift": 0, "flip_horizontal": False},
    "smooth": {"elastic": 30.0},
    "all": {"rotation": 180.0, "scale": 0.2, "elastic": 6.0, "elastic_sigma": 2.5},
    "rare": {"rotation": 90.0, "scale": 0.1, "elastic": 6.0, "distort_probability": 0.5},
}
ALL = sr.ImageAugment((3, 4), max_shift=1, **{**KINDS["all"], "distort_probability": 0.8})
STILL = {"optimizer": sr.SGD(lr=1e-30), "seed": 5}


def losses(small, x, *, epochs=1, **options):
    make_network, encoder, _, y = small
    trainer = sr.Trainer(make_network(), encoder=encoder, **{**STILL, **options})
    return trainer.fit(x, y, epochs=epochs, progress=False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(9, 12), (2, 11, 8)])
def test_images_are_those_of_the_oracle(kind, shape, rng):
    augment = sr.ImageAugment(**KINDS[kind])
    images = rng.random((6, *shape))
    for seed, epoch in ((0, 1), (2**63 + 7, 40)):
        got = augment.apply(images, seed=seed, epoch=epoch)
        wanted = [augmented(x, augment, seed, epoch, sample) for sample, x in enumerate(images)]
        # Displacements are in single precision.
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-5)
    if kind == "none":
        np.testing.assert_array_equal(got, images)


def test_bytes_and_floats_are_changed_alike(rng):
    augment = sr.ImageAugment(**KINDS["all"])
    images = rng.integers(0, 256, (20, 14, 14)).astype(np.uint8)
    floats = augment.apply(images / 255)
    changed = augment.apply(images)
    assert changed.dtype == np.uint8
    assert np.abs(changed - 255 * floats).max() < 0.5 + 1e-6
    singles = augment.apply((images / 255).astype(np.float32))
    assert singles.dtype == np.float32
    np.testing.assert_allclose(singles, floats, rtol=0, atol=1e-6)


def test_every_sample_epoch_and_seed_has_changes_of_its_own():
    augment = sr.ImageAugment(**KINDS["all"])
    images = np.tile(np.linspace(0, 1, 196).reshape(14, 14), (5, 1, 1))
    runs = [augment.apply(images, seed=s, epoch=e) for s, e in ((0, 1), (0, 2), (1, 1))]
    assert len({image.tobytes() for run in runs for image in run}) == 15
    # A sample's changes are those of its number, whatever else there is.
    np.testing.assert_array_equal(augment.apply(images[:2], seed=1, epoch=1), runs[2][:2])


def test_images_are_as_they_were_before_the_first_epoch(rng):
    augment = sr.ImageAugment((3, 4), max_shift=1, rotation=20.0, first_epoch=3)
    images = rng.random((8, 12))
    np.testing.assert_array_equal(augment.apply(images, epoch=2), images)
    changed = augment.apply(images)
    assert (changed != images).any()
    np.testing.assert_array_equal(changed, augment.apply(images, epoch=3))


def test_training_sees_the_images_that_apply_returns(small):
    x = small[2]
    told = losses(small, x, augment=ALL)
    given = losses(small, ALL.apply(x, seed=STILL["seed"], epoch=1))
    assert told["loss"] == given["loss"] != losses(small, x)["loss"]
    assert told["firing_rate"] == given["firing_rate"]


def test_threads_and_batches_change_no_image(small):
    x = small[2]
    runs = [
        losses(small, x, epochs=2, augment=ALL, n_threads=n_threads, batch_size=batch_size)
        for n_threads, batch_size in ((1, 7), (2, 7), (2, 60), (1, 1))
    ]
    assert runs[0]["loss"] == runs[1]["loss"]
    for run in runs:
        assert run["firing_rate"] == runs[0]["firing_rate"]
        np.testing.assert_allclose(run["loss"], runs[0]["loss"], rtol=1e-12)
    assert runs[0]["firing_rate"][0] != runs[0]["firing_rate"][1]


def test_training_goes_on_from_a_file_with_the_same_images(small, tmp_path):
    make_network, encoder, x, y = small
    options = {"encoder": encoder, "augment": ALL, "seed": 4, "optimizer": "sgd"}
    whole, half = (sr.Trainer(make_network(), **options) for _ in range(2))
    whole.fit(x, y, epochs=2, progress=False)
    half.fit(x, y, epochs=1, progress=False)
    half.save(tmp_path / "half.safetensors")
    rest = sr.Trainer.load(tmp_path / "half.safetensors")
    assert rest.config["augment"] == half.config["augment"] != {}
    rest.fit(x, y, epochs=2, progress=False)
    for a, b in zip(whole.network.weights, rest.network.weights, strict=True):
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])


def test_the_shape_is_that_of_the_inputs(small):
    _, encoder, x, y = small
    turning = sr.ImageAugment(max_shift=1, rotation=20.0)
    shapes = {(3, 4): [3, 4], (1, 3, 4): [3, 4], (2, 2, 3): [2, 3]}
    for in_shape, image_shape in shapes.items():
        net = sr.Network(in_shape, [sr.Dense(3)])
        trainer = sr.Trainer(net, encoder=encoder, augment=turning)
        assert list(trainer.config["augment"]["image_shape"]) == image_shape
        assert trainer.config["augment"].get("channels", 1) == 12 // np.prod(image_shape)
        trainer.fit(x, y, epochs=1, progress=False)
        explicit = sr.ImageAugment(in_shape, max_shift=1, rotation=20.0)
        other = sr.Trainer(sr.Network(in_shape, [sr.Dense(3)]), encoder=encoder, augment=explicit)
        assert other.config["augment"] == trainer.config["augment"]
    usual = sr.Trainer(sr.Network(784, [sr.Dense(3)]), encoder=encoder, augment=turning)
    assert list(usual.config["augment"]["image_shape"]) == [28, 28]


def test_a_shape_that_nobody_knows_is_asked_for(small):
    encoder = small[1]
    turning = sr.ImageAugment(rotation=20.0)
    expected = r"augment.image_shape must be given, \(height, width\) of the images: 12 inputs"
    # Places on a line are no image.
    line = [sr.Conv1d(2, 3), sr.Dense(3)]
    for net in (small[0](), sr.Network((3, 4), line)):
        with pytest.raises(ValueError, match=expected):
            sr.Trainer(net, encoder=encoder, augment=turning)
    with pytest.raises(ValueError, match=expected):
        turning.apply(np.zeros((2, 12)))
    net = sr.Network((3, 4), [sr.Dense(3)])
    for shape in ((4, 3), (2, 2, 3)):
        got = re.escape(f"augment.image_shape must be (1, 3, 4), as the inputs, got {shape}")
        with pytest.raises(ValueError, match=got):
            sr.Trainer(net, encoder=encoder, augment=sr.ImageAugment(shape, max_shift=1))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rotation": 200.0}, r"rotation must be in \[0, 180\] degrees, got 200"),
        ({"scale": 1.0}, r"scale must be in \[0, 1\), a share, got 1"),
        ({"elastic": float("nan")}, r"elastic must be in \[0, 1e6\] pixels, got NaN"),
        (
            {"elastic": 1.0, "elastic_sigma": 6.0},
            "elastic_sigma must be > 0 and <= 4, the image's larger side, got 6",
        ),
        ({"elastic_sigma": 0.0}, "elastic_sigma must be > 0"),
        ({"distort_probability": 1.5}, r"distort_probability must be in \[0, 1\], got 1.5"),
        ({"max_shift": 3}, "max_shift must be < 3, the image's side, got 3"),
    ],
)
def test_fields_out_of_their_domain(fields, message):
    with pytest.raises(ValueError, match=message):
        sr.ImageAugment((3, 4), **{"max_shift": 1, **fields})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_shift": 3}, "max_shift must be < 3, the image's side, got 3"),
        (
            {"max_shift": 1, "elastic": 1.0, "elastic_sigma": 6.0},
            "elastic_sigma must be > 0 and <= 4, the image's larger side, got 6",
        ),
    ],
)
def test_what_depends_on_the_images_is_told_with_them(fields, message, small):
    _, encoder, x, y = small
    augment = sr.ImageAugment(**fields)
    with pytest.raises(ValueError, match=message):
        augment.apply(x.reshape(-1, 3, 4))
    net = sr.Network((3, 4), [sr.Dense(3)])
    before = net.weights[0]["weight"]
    with pytest.raises(ValueError, match=message):
        sr.Trainer(net, encoder=encoder, augment=augment).fit(x, y, epochs=1, progress=False)
    np.testing.assert_array_equal(net.weights[0]["weight"], before)


def test_images_that_are_none():
    augment = sr.ImageAugment((3, 4), max_shift=1)
    images = np.zeros((2, 3, 4))
    for wrong, error, message in [
        (images.astype(np.int64), TypeError, "images has dtype int64, expected uint8"),
        (images[0, 0], ValueError, r"images has shape \(4,\), expected \(n_samples, height"),
        (np.zeros((2, 0, 4)), ValueError, r"images has shape \(2, 0, 4\)"),
        (images + 2, ValueError, r"x\[0, 0\] must be in \[0, 1\], got 2"),
        (np.zeros((2, 5, 5)), ValueError, "image_shape must be of 25 pixels, as the input"),
    ]:
        with pytest.raises(error, match=message):
            augment.apply(wrong)
    for name in ("seed", "epoch"):
        with pytest.raises(ValueError, match=name):
            augment.apply(images, **{name: -1})
    for shape in ((3,), (1, 2, 3, 4)):
        with pytest.raises(ValueError, match=r"ImageAugment\.image_shape must be"):
            sr.ImageAugment(shape)
    assert augment.apply(images[:0]).shape == (0, 3, 4)


def test_recipes_say_all_of_it(tmp_path):
    settings = ["augment.rotation=12", "augment.scale=0.12", "augment.image_shape=[3, 8, 8]"]
    recipe = load_recipe("demo", [*settings, "augment.elastic=13.6"])
    assert recipe.augment == sr.ImageAugment((3, 8, 8), rotation=12.0, scale=0.12, elastic=13.6)
    path = tmp_path / "copy.toml"
    path.write_text(recipe.to_toml())
    assert load_recipe(path) == recipe
    assert load_recipe("demo", ["augment.rotation=12"]).augment.image_shape is None
    with pytest.raises(RecipeError, match=r"augment\.image_shape must be a list of 2 or 3"):
        load_recipe("demo", ["augment.image_shape=[1.5, 2]"])
