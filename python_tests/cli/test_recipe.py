"""Recipes: they round-trip, and say what is wrong with a field."""

from dataclasses import replace

import pytest

import strsbp_rs as sr
from strsbp_rs.datasets import load_demo
from strsbp_rs.recipes._recipe import RecipeError, load_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipes_round_trip(name, tmp_path):
    recipe = load_recipe(name)
    path = tmp_path / "copy.toml"
    path.write_text(recipe.to_toml())
    assert load_recipe(path) == recipe


def test_delays_round_trip(tmp_path):
    recipe = load_recipe(
        "demo",
        [
            "layers.0.delay=2",
            "layers.1.delay={kind='uniform_delay', low=1, high=4.5}",
            "layers.1.recurrent_delay={kind='uniform_delay'}",
            "layers.1.recurrent_delay.high=3",
        ],
    )
    assert recipe.layers[0].delay == 2.0
    assert recipe.layers[1].delay == sr.UniformDelay(1.0, 4.5)
    assert recipe.layers[1].recurrent_delay == sr.UniformDelay(high=3.0)
    path = tmp_path / "copy.toml"
    path.write_text(recipe.to_toml())
    assert load_recipe(path) == recipe
    delays = recipe.build(784, n_threads=1).network.delays
    assert set(delays[0]["delay"].flat) == {2.0}
    assert set(delays[1]["delay"].flat) == {1.0, 2.0, 3.0, 4.0}
    assert set(delays[1]["recurrent_delay"].flat) == {0.0, 1.0, 2.0, 3.0}


@pytest.mark.parametrize("text", ['C:\\a "b"', "line\nline\ttab", "\x00\x1b\x7f", "Grüße/数据"])
def test_every_text_round_trips(text, tmp_path):
    recipe = load_recipe("demo")
    recipe = replace(recipe, data=replace(recipe.data, dir=text))
    path = tmp_path / "copy.toml"
    path.write_text(recipe.to_toml(), encoding="utf-8")
    assert load_recipe(path) == recipe


def test_fashion_mnist_is_the_papers_network():
    recipe = load_recipe("fashion-mnist")
    assert [layer.n for layer in recipe.layers] == [400, 400, 10]
    assert [layer.kind for layer in recipe.layers] == ["dense", "recurrent", "dense"]
    assert {(layer.tau_m, layer.tau_s, layer.t_ref) for layer in recipe.layers} == {(64, 8, 2)}
    assert recipe.encoder == sr.BernoulliEncoder(400, 1 / 5.5)
    trainer = recipe.build(784, n_threads=1)
    assert trainer.network.n_parameters == 784 * 400 + 400 * 400 + 400 * 399 + 400 * 10


def test_convolutional_recipes_are_the_published_networks():
    outlines = {
        "mnist-cnn": "28x28-15C5-P2-40C5-P2-300-10",
        "fashion-mnist-cnn": "28x28-32C5-MP2-64C5-MP2-1024-10",
    }
    planes = {
        "mnist-cnn": [(15, 24, 24), (15, 12, 12), (40, 8, 8), (40, 4, 4), (300,), (10,)],
        "fashion-mnist-cnn": [(32, 28, 28), (32, 14, 14), (64, 14, 14), (64, 7, 7), (1024,), (10,)],
    }
    for name, outline in outlines.items():
        recipe = load_recipe(name)
        assert recipe.data.name == name.removesuffix("-cnn")
        trainer = recipe.build((28, 28), n_threads=1)
        assert trainer.network.outline == outline
        assert trainer.network.shapes == planes[name]
        assert trainer.network.in_shape == (1, 28, 28)
        assert list(trainer.config["augment"]["image_shape"]) == [28, 28]
    assert load_recipe("mnist-cnn").augment == sr.ImageAugment(
        max_shift=0, flip_horizontal=False, rotation=12.0, scale=0.12, elastic=13.6
    )


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("fashion-mnist-cnn", ()),
        # A quarter of the steps, of as many spikes.
        ("mnist-cnn", ("encoder.n_steps=100", "encoder.rate_scale=1")),
    ],
)
def test_every_layer_of_a_convolutional_recipe_fires(name, settings):
    data = load_demo()
    network = load_recipe(name, settings).build((28, 28), n_threads=2).network
    recipe = load_recipe(name, settings)
    spikes = network.run(data.x_test[:4], encoder=recipe.encoder).spikes
    for layer in spikes[1:]:
        rate = layer.counts().mean() / recipe.encoder.n_steps
        assert 0.02 < rate < 0.3


def test_overrides():
    recipe = load_recipe(
        "demo",
        [
            "optimizer.kind=sgd",
            "optimizer.momentum=0.5",
            "layers.1.mask={kind='reservoir', shape=[8, 10, 5]}",
            "layers.0.v_th=10",
            "augment.max_shift=1",
            "train.weight_limit=8",
            "data.name=fashion-mnist",
        ],
    )
    assert recipe.optimizer == sr.SGD(momentum=0.5)
    assert recipe.layers[1].mask == sr.Reservoir((8, 10, 5))
    assert recipe.layers[0].v_th == 10.0
    assert recipe.augment == sr.ImageAugment(max_shift=1)
    assert recipe.train.weight_limit == 8.0
    assert recipe.data.name == "fashion-mnist"


def test_sizes_are_one_number_two_or_a_name(tmp_path):
    sizes = ["layers.0.kernel=[3, 5]", "layers.0.padding=[1, 0]", "layers.0.dilation=2"]
    recipe = load_recipe("demo", ["layers.0.kind=conv2d", "layers.0.channels=2", *sizes])
    layer = sr.Conv2d(2, (3, 5), padding=(1, 0), dilation=2, v_th=recipe.layers[0].v_th)
    assert recipe.layers[0] == layer
    path = tmp_path / "copy.toml"
    path.write_text(recipe.to_toml())
    assert load_recipe(path) == recipe
    same = load_recipe(path, ["layers.0.padding=same", "layers.0.kernel=3"])
    assert same.layers[0].padding == (2, 2)


def test_thresholds_are_a_number_or_a_list(tmp_path):
    settings = ["layers.0.kind=conv2d", "layers.0.channels=2", "layers.0.kernel=3"]
    recipe = load_recipe("demo", [*settings, "layers.0.v_th=[8, 12.5]"])
    assert recipe.layers[0].v_th == (8.0, 12.5)
    path = tmp_path / "copy.toml"
    path.write_text(recipe.to_toml())
    assert "v_th = [8.0, 12.5]" in path.read_text()
    assert load_recipe(path) == recipe
    message = r"layers\.0\.v_th must be a number or a list of numbers, got "
    for wrong in ("true", '["a"]', "[[1.0]]", "{low=1.0}", "high"):
        with pytest.raises(RecipeError, match=message):
            load_recipe("demo", [f"layers.0.v_th={wrong}"])
    with pytest.raises(RecipeError, match=r"layers\.0\.v_th\[1\] must be finite and > 0, got 0"):
        load_recipe("demo", ["layers.0.v_th=[1, 0]"])


def test_the_order_of_a_kind_and_its_fields_does_not_matter():
    settings = ["optimizer.lr=0.5", "optimizer.kind=sgd"]
    assert load_recipe("demo", settings) == load_recipe("demo", settings[::-1])
    assert load_recipe("demo", settings).optimizer == sr.SGD(lr=0.5)


def test_the_order_of_kinds_within_each_other_does_not_matter():
    """A layer's kind discards its fields, and with them a mask: it comes before the mask's kind."""
    settings = [
        "layers.0.mask.kind=sparse",
        "layers.0.mask.density=0.25",
        "layers.0.kind=recurrent",
    ]
    settings.append("layers.0.n=30")
    expected = sr.Recurrent(30, mask=sr.Sparse(0.25))
    for order in (settings, settings[::-1], settings[1:] + settings[:1]):
        assert load_recipe("demo", order).layers[0] == expected


def test_a_section_that_is_left_out_can_be_overridden(tmp_path):
    path = tmp_path / "short.toml"
    path.write_text("[[layers]]\nkind = 'dense'\nn = 10\n")
    recipe = load_recipe(
        path, ["optimizer.lr=0.5", "loss.temperature=9", "schedule.warmup_epochs=1"]
    )
    assert recipe.optimizer == sr.Adam(lr=0.5)
    assert recipe.loss == sr.SoftmaxCrossEntropy(temperature=9.0)
    assert recipe.schedule == sr.Constant(warmup_epochs=1.0)
    assert load_recipe(path, ["optimizer.kind=sgd"]).optimizer == sr.SGD()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optimizer.lrr=1", "optimizer.lrr is not a field of Adam; did you mean 'optimizer.lr'"),
        ("optimiser.lr=1", r"\[optimiser\] is not a section; did you mean 'optimizer'"),
        ("layers.0.vth=1", "layers.0.vth is not a field of Dense; did you mean 'layers.0.v_th'"),
        ("layers.3.v_th=1", "layers must be indexed by 0..2, got '3'"),
        ("layers.x.v_th=1", "layers must be indexed by 0..2, got 'x'"),
        ("layers.².v_th=1", "layers must be indexed by 0..2, got '²'"),
        ("loss.kind=softmax", "loss.kind must be one of .*did you mean 'softmax_cross_entropy'"),
        ("loss.kind=[1]", r"loss.kind must be one of .*, got \[1\]"),
        ("encoder.n_steps.a.b=1", "override 'encoder.n_steps.a.b=1' must be SECTION.FIELD=VALUE"),
        ("train.epochs=1.5", "train.epochs must be an integer >= 0, got 1.5"),
        ("train.epochs=-1", "train.epochs must be an integer >= 0, got -1"),
        ("train.epochs=true", "train.epochs must be an integer >= 0, got True"),
        ("optimizer.lr=fast", "optimizer.lr must be a number, got 'fast'"),
        ("rule.teacher_spikes=1", "rule.teacher_spikes must be true or false, got 1"),
        ("data.name=3", "data.name must be a string, got 3"),
        (
            "augment.image_shape=[28]",
            r"augment.image_shape must be a list of 2 or 3 integers, got \[28\]",
        ),
        ("layers.1.mask=3", "layers.1.mask must be a table, got 3"),
        ("layers.0.delay=fast", "layers.0.delay must be a number or a table, got 'fast'"),
        ("layers.0.delay=true", "layers.0.delay must be a number or a table, got True"),
        ("layers.0.delay={low=1}", r"layers.0.delay.kind must be one of \['uniform_delay'\]"),
        (
            "layers.0.delay={kind='uniform'}",
            "layers.0.delay.kind must be .*did you mean 'uniform_delay'",
        ),
        (
            "layers.0.delay={kind='uniform_delay', hi=2}",
            "layers.0.delay.hi is not a field of UniformDelay; did you mean 'layers.0.delay.high'",
        ),
        ("layers.1.mask={kind='reservoir'}", "layers.1.mask.shape must be given for Reservoir"),
        ("optimizer", "override 'optimizer' must be SECTION.FIELD=VALUE"),
        ("=3", "override '=3' must be SECTION.FIELD=VALUE"),
    ],
)
def test_bad_fields(override, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe("demo", [override])


def test_bad_files(tmp_path):
    with pytest.raises(
        RecipeError, match=r"recipe 'fashion' is not one of .*did you mean 'fashion-mnist'"
    ):
        load_recipe("fashion")
    with pytest.raises(FileNotFoundError):
        load_recipe(tmp_path / "absent.toml")
    path = tmp_path / "bad.toml"
    path.write_text("[data")
    with pytest.raises(RecipeError, match=r"bad.toml"):
        load_recipe(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(RecipeError, match=r"bad.toml: is not UTF-8 text"):
        load_recipe(path)
    path.write_text("[data]\nname = 'demo'\n")
    with pytest.raises(RecipeError, match=r"must have at least one \[\[layers\]\] table"):
        load_recipe(path)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    path = tmp_path / "marked.toml"
    path.write_bytes("\ufeff".encode() + load_recipe("demo").to_toml().encode())
    assert load_recipe(path) == load_recipe("demo")


@pytest.mark.parametrize(
    "deep",
    [
        "a = " + "[" * 20_000,
        "a = " + "{a = " * 20_000,
        "data.name" + ".a" * 2_000 + " = 1",
        "[data]\nname = " + "[" * 500 + "]" * 500,
    ],
)
def test_deep_nesting_is_a_plain_error(tmp_path, deep):
    path = tmp_path / "deep.toml"
    path.write_text(f"{deep}\n[[layers]]\nkind = 'dense'\nn = 10\n")
    with pytest.raises(RecipeError, match=r"deep\.toml: ") as raised:
        load_recipe(path)
    assert len(str(raised.value)) < 2000
    for override in (f"data.name={'[' * 20_000}", f"data.name{'.a' * 2_000}=1"):
        with pytest.raises(RecipeError):
            load_recipe("demo", [override])


def test_former_names_of_fields_are_read(tmp_path):
    path = tmp_path / "old.toml"
    layer = "[[layers]]\nkind = 'recurrent'\nn = 3\nrec_delay = 2.0\n"
    path.write_text(layer)
    assert load_recipe(path, []).layers[0].recurrent_delay == 2.0
    path.write_text(layer + "recurrent_delay = 1.0\n")
    with pytest.raises(RecipeError, match="recurrent_delay is given twice"):
        load_recipe(path, [])
