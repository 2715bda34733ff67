"""One contract over every estimator of the package: a new one is tested by being there."""

import json
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from discovery import (
    ESTIMATORS,
    GANS,
    IMAGES,
    LEARNERS,
    SAMPLERS,
    SEEDED,
    SMALL,
    TRANSFORMERS,
    TRANSLATORS,
    answer,
    as_frame,
    fit,
    make,
    make_data,
    make_images,
    make_second,
    parameters_of,
    take,
)
from sklearn.base import clone
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

import ganaug
from ganaug.exceptions import FormatVersionError, InvalidInputError, ModelFileError
from ganaug.persistence import LOADABLE

pytestmark = [pytest.mark.filterwarnings(f"ignore:{start} ranks") for start in ("score_samples", "The detector")]


DATALESS_CHECKS = [
    estimator_checks.check_estimator_cloneable,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_estimator_tags_renamed,
    estimator_checks.check_valid_tag_types,
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_parameters_default_constructible,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_set_params,
    estimator_checks.check_mixin_order,
]
"""The others give tables to whatever they check."""


def test_the_estimators_are_found():
    assert {"GANDetector", "TabularGAN", "CTGAN", "TVAE", "TableEncoder"} <= set(LEARNERS) - IMAGES
    assert {"VanillaGAN", "ConditionalGAN", "DCGAN", "ImageEncoder"} <= IMAGES
    assert set(GANS) == set(LOADABLE)  # what can be saved can be loaded, and nothing else


@parametrize_with_checks([make(name) for name in sorted(set(TRANSFORMERS) - IMAGES)], xfail_strict=True)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("check", DATALESS_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", sorted(IMAGES))
def test_scikit_learns_checks_that_bring_no_table(name, check):
    check(name, make(name))


# Promise 1: __init__ only stores, fit validates, what is learned ends in _; clone and get_params work.


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_init_only_stores(name):
    markers = {parameter: object() for parameter in parameters_of(name)}
    assert vars(ESTIMATORS[name](**markers)) == markers


@pytest.mark.parametrize("name", sorted(LEARNERS))
def test_clone_gives_an_equal_unfitted_one(name):
    estimator = fit(name, 80)
    copy = clone(estimator)
    assert repr(copy.get_params()) == repr(estimator.get_params())
    assert not [attribute for attribute in vars(copy) if attribute.endswith("_")]


@pytest.mark.parametrize("name", sorted(LEARNERS))
def test_fitting_changes_no_parameter_and_learned_names_end_in_an_underscore(name):
    estimator = fit(name, 80)
    assert repr(estimator.get_params()) == repr(make(name).get_params())
    learned = set(vars(estimator)) - set(estimator.get_params())
    assert all(attribute.endswith("_") for attribute in learned), learned


# Promise 2: same random_state, same bits; global generators untouched.


@pytest.mark.parametrize("name", sorted(SEEDED))
def test_same_seed_same_answers_and_global_generators_untouched(name):
    np.random.seed(1), torch.manual_seed(1)
    states = np.random.get_state()[1].copy(), torch.get_rng_state()
    first, second, other = (fit(name, random_state=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(answer(first), answer(second), check_exact=True)
    assert not answer(first).equals(answer(other))
    if name in SAMPLERS:
        assert not answer(first).equals(as_frame(first.sample(50, random_state=7)))
    assert (states[0] == np.random.get_state()[1]).all() and torch.equal(states[1], torch.get_rng_state())


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_without_a_seed_samples_differ(name):
    estimator = fit(name, 80, random_state=None)
    assert not answer(estimator).equals(answer(estimator))


@pytest.mark.parametrize("name", sorted(GANS))
def test_weights_and_history_are_equal_bit_for_bit(name):
    first, second = (fit(name) for _ in range(2))
    for key, value in first.game_.state_dict().items():
        assert torch.equal(value, second.game_.state_dict()[key]), key
    timeless = [
        [{key: value for key, value in row.items() if key != "seconds"} for row in gan.history_]
        for gan in (first, second)
    ]
    assert timeless[0] == timeless[1]


@pytest.mark.parametrize("name", sorted(set(GANS) & set(SAMPLERS)))
def test_a_row_is_the_same_however_many_are_drawn(fitted, name):
    few, many = answer(fitted[name], 10), answer(fitted[name], 3000)
    pd.testing.assert_frame_equal(few, many.iloc[:10], check_exact=True)


# Promise 3: a record's score depends on no other record.


@pytest.mark.parametrize("name", sorted(GANS))
def test_scores_do_not_depend_on_the_batch(fitted, name):
    data = make_data(name, 1000, seed=3)
    scores = fitted[name].score_samples(data)
    order = np.random.default_rng(0).permutation(1000)
    assert scores.dtype == np.float64
    assert np.array_equal(fitted[name].score_samples(take(data, order)), scores[order])
    alone = [fitted[name].score_samples(take(data, [row])) for row in range(20)]
    assert np.array_equal(np.concatenate(alone), scores[:20])
    assert np.array_equal(fitted[name].score_samples(take(data, slice(300, 777))), scores[300:777])


# Promise 4: files without pickle or training rows, refused where they don't fit.


@pytest.mark.parametrize("name", sorted(GANS))
def test_saved_models_come_back_equal(fitted, name, tmp_path):
    path = fitted[name].save(tmp_path / "model")
    assert sorted(file.name for file in path.iterdir()) == ["model.json", "weights.safetensors"]
    back = ganaug.load(path)
    assert type(back) is type(fitted[name]) and repr(back.get_params()) == repr(fitted[name].get_params())
    pd.testing.assert_frame_equal(answer(back), answer(fitted[name]), check_exact=True)
    data = make_data(name, 50, seed=4)
    assert np.array_equal(back.score_samples(data), fitted[name].score_samples(data))
    assert back.history_ == fitted[name].history_ and str(back.diagnose()) == str(fitted[name].diagnose())
    again = back.save(tmp_path / "again")
    strip = lambda file: {key: value for key, value in json.loads(file.read_text()).items() if key != "versions"}  # noqa: E731
    assert strip(again / "model.json") == strip(path / "model.json")


@pytest.mark.parametrize(
    ("name", "changed"),
    [("TabularGAN", {"generator_hidden": (5, 3)}), ("DCGAN", {"latent_dim": 3}), ("SRGAN", {"scale": 4})],
)
def test_networks_that_the_parameters_no_longer_describe_are_not_saved(fitted, name, changed, tmp_path):
    path = fitted[name].save(tmp_path / "model")
    model = ganaug.load(path)
    before = model.get_params()
    model.set_params(**changed)
    with pytest.raises(InvalidInputError, match=r"were changed after fit.*Set them back, or fit again"):
        model.save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["model"] and ganaug.load(path)
    model.set_params(**{key: before[key] for key in changed}).save(path)


WITHOUT_ROWS = {name: {"memory": "none"} for name in ("GANDetector", "ImageGANDetector")}
"""What tells an estimator that keeps training rows to keep none."""


@pytest.mark.parametrize("name", sorted(set(GANS) - IMAGES))
def test_a_saved_model_holds_no_training_row(name, tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"name": [f"{value:08x}" for value in rng.integers(16**7, 16**8, 400)], "size": rng.normal(size=400)}
    )
    with pytest.warns(match="identifier"):
        path = make(name, **WITHOUT_ROWS.get(name, {})).fit(table).save(tmp_path / "model")
    content = (path / "model.json").read_text() + (path / "weights.safetensors").read_bytes().decode("latin-1")
    assert not [value for value in table["name"] if value in content]
    sizes = np.concatenate([ganaug.load(path).encoder_.columns_[1].knot_values])
    assert len(sizes) < 250  # quantiles of a column, not the column


@pytest.mark.parametrize("name", sorted(set(GANS) & IMAGES))
def test_a_saved_model_holds_no_training_image(name, tmp_path):
    path = fit(name, 40, **WITHOUT_ROWS.get(name, {})).save(tmp_path / "model")
    content = (path / "weights.safetensors").read_bytes()
    for image in make_images(40):
        pixels = image.ravel()[:16]
        assert pixels.tobytes() not in content
        assert (pixels / 127.5 - 1).astype(np.float32).tobytes() not in content


@pytest.mark.parametrize("name", sorted(GANS))
def test_files_that_do_not_fit_are_refused(fitted, name, tmp_path):
    path = fitted[name].save(tmp_path / "model")
    model = json.loads((path / "model.json").read_text())

    def load_with(**changes):
        (path / "model.json").write_text(json.dumps(model | changes))
        return ganaug.load(path)

    with pytest.raises(FormatVersionError, match="format version 99; this release of ganaug reads version 1"):
        load_with(format_version=99)
    with pytest.raises(ModelFileError, match="'Popen', which is none of"):
        load_with(**{"class": "Popen"})
    with pytest.raises(ModelFileError, match="shapes of"):
        load_with(tensors={**model["tensors"], next(key for key in model["tensors"] if "game." in key): [10**9]})
    widths = {"hidden": {"tuple": [10**7, 10**7]}, "width": 10**7}
    wide = [
        [parameter, widths[parameter.split("_")[-1]]]
        for parameter in fitted[name].get_params()
        if parameter.endswith(("hidden", "width"))
    ][:1]
    with pytest.raises(ModelFileError, match="don't fit its weights"):  # refused before 400 TB are asked for
        load_with(parameters={"dict": wide})
    (path / "model.json").write_text("{")
    with pytest.raises(ModelFileError, match="can't be read"):
        ganaug.load(path)
    with pytest.raises(ModelFileError, match="it has no model.json"):
        ganaug.load(tmp_path)


@pytest.mark.parametrize("name", sorted(GANS))
def test_saving_is_all_or_nothing(fitted, name, tmp_path, monkeypatch):
    path = fitted[name].save(tmp_path / "model")
    before = (path / "model.json").read_bytes()
    monkeypatch.setattr(
        "ganaug.persistence.tensors_to_bytes", lambda *args, **kwargs: (_ for _ in ()).throw(OSError("full"))
    )
    with pytest.raises(OSError, match="full"):
        fitted[name].save(path)
    assert (path / "model.json").read_bytes() == before and [item.name for item in tmp_path.iterdir()] == ["model"]
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("words")
    with pytest.raises(ValueError, match="is not a ganaug model, so it is not overwritten"):
        fitted[name].save(tmp_path / "precious")


@pytest.mark.parametrize("name", sorted(LEARNERS))
@pytest.mark.parametrize("dump", [pickle, joblib])
def test_pickles_hold_a_model_that_answers_the_same(name, dump, tmp_path):
    estimator = fit(name, 80)
    with open(tmp_path / "model", "wb") as file:
        dump.dump(estimator, file)
    with open(tmp_path / "model", "rb") as file:
        back = dump.load(file)
    pd.testing.assert_frame_equal(answer(back), answer(estimator), check_exact=True)


@pytest.mark.parametrize("name", sorted(GANS))
def test_pickles_hold_no_torch_objects(fitted, name):
    assert b"torch" not in pickle.dumps(fitted[name])


# Promise 5: nothing is dropped in silence.


@pytest.mark.parametrize("name", sorted(LEARNERS))
def test_37_rows_and_a_large_batch(name):
    large = {"batch_size": 500} if "batch_size" in parameters_of(name) else {}
    estimator = fit(name, 37, **large)
    assert len(answer(estimator, 11)) == 11
    if name in GANS:
        assert estimator.n_iter_ >= 1 and estimator.stop_reason_


@pytest.mark.parametrize("name", sorted(GANS))
def test_ctrl_c_leaves_a_fitted_estimator(name):
    from ganaug.adversarial import Callback

    class Interrupt(Callback):
        def on_step_end(self, run):
            if run.step == 3:
                raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted at step 3"):
        estimator = fit(name, callbacks=[Interrupt()])
    assert estimator.stop_reason_ == "interrupted" and estimator.n_iter_ == 3 and len(answer(estimator, 5)) == 5


# True resume, through the estimator.


@pytest.mark.parametrize("name", sorted(GANS))
def test_an_interrupted_fit_resumes_bit_for_bit(name, tmp_path):
    from ganaug.adversarial import Callback, Checkpoint
    from ganaug.exceptions import CheckpointError

    class StopAfter(Callback):
        def on_epoch_end(self, run):
            if run.epoch == 5:
                run.stop("enough")

    budget = {"epochs": 10, "max_steps": None}
    whole = fit(name, **budget)
    half = fit(name, callbacks=[Checkpoint(tmp_path / "c"), StopAfter()], **budget)
    assert half.n_iter_ < whole.n_iter_
    resumed = fit(name, random_state=None, fit_params={"resume_from": tmp_path / "c"}, **budget)
    for key, value in whole.game_.state_dict().items():
        assert torch.equal(value, resumed.game_.state_dict()[key]), key
    assert resumed.n_iter_ == whole.n_iter_ and len(resumed.history_) == len(whole.history_)
    with pytest.raises(CheckpointError, match="records"):
        fit(name, seed=9, fit_params={"resume_from": tmp_path / "c"}, **budget)


# Images of any shape.


@pytest.mark.parametrize("shape", [(8, 8, 1), (25, 25, 3), (48, 64, 3), (100, 100, 4)], ids=str)
@pytest.mark.parametrize("name", sorted(IMAGES & set(GANS) - TRANSLATORS))
def test_images_of_any_shape(name, shape):
    images = make_images(24, shape=shape)
    labels = np.arange(24) % 2
    budget = {"max_steps": 3}
    estimator = make(name, **{**SMALL.get(name, {}), **budget}).fit(images, labels)
    if name in SAMPLERS:
        assert estimator.sample(3).shape == (3, *shape) and estimator.sample(3).dtype == np.uint8
    assert estimator.transform(images[:5]).shape == (5, len(estimator.get_feature_names_out()))
    assert np.isfinite(estimator.score_samples(images[:5])).all()


@pytest.mark.parametrize("shape", [(8, 8, 1), (25, 25, 3), (48, 64, 3), (100, 100, 4)], ids=str)
@pytest.mark.parametrize("name", sorted(TRANSLATORS))
def test_images_of_any_shape_are_translated_into_images_of_any_size(name, shape):
    images = make_images(24, shape=shape)
    gan = make(name, max_steps=3)
    gan.fit(images, make_second(gan, images))
    scale = gan.get_params().get("scale", 1)
    for height, width in [shape[:2], (9, 31)]:
        answers = gan.transform(make_images(5, shape=(height, width, shape[2])))
        assert answers.shape == (5, scale * height, scale * width, shape[2]) and answers.dtype == np.uint8
    assert np.isfinite(gan.score_samples(images[:5])).all()


@pytest.mark.parametrize("name", sorted(TRANSLATORS))
def test_a_translation_depends_neither_on_the_batch_nor_on_the_order(fitted, name):
    images = make_images(100, seed=3)
    answers = fitted[name].transform(images)
    order = np.random.default_rng(0).permutation(100)
    assert np.array_equal(fitted[name].transform(images[order]), answers[order])
    assert np.array_equal(np.concatenate([fitted[name].transform(images[[row]]) for row in range(10)]), answers[:10])
    listed = fitted[name].transform(list(images[30:77]))
    assert isinstance(listed, list) and np.array_equal(np.stack(listed), answers[30:77])
