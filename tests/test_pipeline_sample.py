import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import VarianceThreshold
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.utils import check_random_state

from ganaug.exceptions import InvalidInputError
from ganaug.pipeline import sample
from ganaug.tabular import TabularGAN

# Budgets this small leave a weak discriminator, which says so.
pytestmark = pytest.mark.filterwarnings("ignore:score_samples ranks")

CITIES = ["Bergen", "Oslo", "Tromso"]


def make_gan(**kwargs):
    return TabularGAN(**{"max_steps": 12, "random_state": 0, **kwargs})


def make_kde(bandwidth=0.05):
    return KernelDensity(bandwidth=bandwidth)


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(0)
    height = rng.normal(170, 10, 400)
    weight = 0.8 * height - 70 + rng.normal(0, 3, 400)
    city = rng.choice(CITIES, 400, p=[0.5, 0.3, 0.2])
    return pd.DataFrame({"city": city, "height": height, "weight": weight})


@pytest.fixture(scope="module")
def numbers(people):
    return people[["height", "weight"]]


def assert_alike(synthetic, real):
    """Check means, spreads and the correlation of two columns of numbers, in their own units."""
    synthetic, real = np.asarray(synthetic, dtype=float), np.asarray(real, dtype=float)
    assert np.abs(synthetic.mean(axis=0) - real.mean(axis=0)).max() < 1.0
    assert np.allclose(synthetic.std(axis=0), real.std(axis=0), rtol=0.15)
    assert abs(np.corrcoef(synthetic.T)[0, 1] - np.corrcoef(real.T)[0, 1]) < 0.05


def test_a_mixtures_samples_are_in_the_datas_units(numbers):
    pipeline = make_pipeline(StandardScaler(), PCA(), GaussianMixture(2, random_state=0)).fit(numbers.to_numpy())
    X, component = sample(pipeline, 3000)
    assert isinstance(X, np.ndarray) and X.shape == (3000, 2)
    assert_alike(X, numbers)
    assert component.shape == (3000,) and set(component) == {0, 1}


def test_a_gan_behind_one_hot_and_scaler_gives_categories_and_numbers_back(people):
    columns = make_column_transformer((OneHotEncoder(), ["city"]), (MinMaxScaler(), ["height", "weight"]))
    pipeline = make_pipeline(columns, make_gan()).fit(people)
    synthetic = sample(pipeline, 500)
    assert list(synthetic.columns) == ["city", "height", "weight"] and synthetic.index.tolist() == list(range(500))
    assert set(synthetic["city"]) == set(CITIES)
    for name in ("height", "weight"):
        low, high = people[name].agg(["min", "max"])
        assert synthetic[name].dtype == float and synthetic[name].between(low - 1e-9, high + 1e-9).all()
    # The encoded samples of so short a training are often of no city or of several: they were drawn again.
    encoded = pipeline[-1].sample(500)[:, :3].sum(axis=1)
    assert 0.2 < (encoded != 1).mean() < 0.8
    pd.testing.assert_frame_equal(synthetic, sample(pipeline, 500))
    assert not synthetic.equals(sample(pipeline, 500, random_state=1))


def test_rows_that_need_no_second_draw_are_the_last_steps_own(people):
    columns = make_column_transformer((OneHotEncoder(), ["city"]), (MinMaxScaler(), ["height", "weight"]))
    pipeline = make_pipeline(columns, make_gan()).fit(people)
    encoded = pipeline[-1].sample(200)
    is_kept = encoded[:, :3].sum(axis=1) == 1
    expected = columns.named_transformers_["minmaxscaler"].inverse_transform(encoded[:, 3:])
    assert np.allclose(sample(pipeline, 200)[["height", "weight"]][is_kept], expected[is_kept])


@pytest.mark.parametrize("drop", [None, "first", "if_binary"])
def test_a_kernel_densitys_categories_have_their_frequencies(people, drop):
    encoder = OneHotEncoder(drop=drop, sparse_output=False)
    data = people[["city"]].assign(big=people["weight"] > 66)
    pipeline = make_pipeline(encoder, StandardScaler(), make_kde()).fit(data)
    synthetic = sample(pipeline, 2000, random_state=0)
    shares = pd.crosstab(synthetic["city"], synthetic["big"], normalize=True)
    assert np.allclose(shares, pd.crosstab(data["city"], data["big"], normalize=True), atol=0.03)


def test_rare_and_unknown_categories_come_back_as_the_encoder_names_them():
    cities = pd.DataFrame({"city": ["Oslo"] * 50 + ["Bergen"] * 40 + ["Bodo", "Hamar"] * 5})
    rare = make_pipeline(OneHotEncoder(min_frequency=10, sparse_output=False), make_kde()).fit(cities)
    shares = sample(rare, 2000, random_state=0)["city"].value_counts(normalize=True)
    assert shares.round(1).to_dict() == {"Oslo": 0.5, "Bergen": 0.4, "infrequent_sklearn": 0.1}
    encoder = OneHotEncoder(categories=[["Bergen", "Oslo"]], handle_unknown="ignore", sparse_output=False)
    unknown = make_pipeline(encoder, make_kde()).fit(cities)
    shares = sample(unknown, 2000, random_state=0)["city"].value_counts(normalize=True, dropna=False)
    assert shares.round(1).to_dict() == {"Oslo": 0.5, "Bergen": 0.4, None: 0.1}


class Coarse(BaseEstimator):
    """Draws zeros and ones at random, and says in y which columns had ones."""

    def __init__(self, share=0.5, random_state=0):
        self.share = share
        self.random_state = random_state

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def sample(self, n_samples, random_state=None):
        rng = check_random_state(self.random_state if random_state is None else random_state)
        X = (rng.uniform(size=(n_samples, self.n_features_in_)) < self.share).astype(float)
        return X, X @ (2 ** np.arange(self.n_features_in_))


@pytest.mark.parametrize("random_state", [None, 0, 7, np.random.RandomState(0)])
def test_what_is_drawn_again_brings_its_own_y(people, random_state):
    pipeline = make_pipeline(OneHotEncoder(sparse_output=False), Coarse()).fit(people[["city"]])
    X, y = sample(pipeline, 1000, random_state=random_state)
    assert X["city"].map({"Bergen": 1, "Oslo": 2, "Tromso": 4}).tolist() == y.tolist()
    assert X["city"].value_counts(normalize=True).between(0.28, 0.38).all()


def test_samples_of_no_category_are_an_error_in_the_end(people):
    pipeline = make_pipeline(OneHotEncoder(sparse_output=False), Coarse(share=0.0)).fit(people[["city"]])
    with pytest.raises(InvalidInputError, match=r"'onehotencoder' \(OneHotEncoder\): 7 of 7 samples .* 100 draws"):
        sample(pipeline, 7)


def test_steps_that_cannot_draw_other_rows_are_not_asked_to(people):
    class Stubborn(Coarse):
        def sample(self, n_samples):
            return super().sample(n_samples)

    pipeline = make_pipeline(OneHotEncoder(sparse_output=False), Stubborn()).fit(people[["city"]])
    with pytest.raises(InvalidInputError, match=r"\d+ of 50 samples are of no category, or of several"):
        sample(pipeline, 50)


@pytest.mark.parametrize(
    "specs",
    [
        (["city"], ["height", "weight"]),
        ([0], slice(1, 3)),
        (slice("city", "city"), slice("height", None)),
        ([True, False, False], np.array([False, True, True])),
        (make_column_selector(dtype_exclude="number"), make_column_selector(dtype_include="number")),
        ([-3], [2, 1]),
    ],
)
def test_columns_of_any_spec_go_back_to_their_places(people, specs):
    category, number = specs
    columns = ColumnTransformer([("number", StandardScaler(), number), ("category", OrdinalEncoder(), category)])
    pipeline = make_pipeline(columns, make_gan()).fit(people)
    synthetic = sample(pipeline, 300)
    assert list(synthetic.columns) == list(people.columns) and set(synthetic["city"]) == set(CITIES)
    low, high = people["height"].agg(["min", "max"])
    assert synthetic["height"].between(low - 1e-9, high + 1e-9).all() and synthetic["weight"].max() < 110


@pytest.mark.parametrize("is_frame", [True, False])
@pytest.mark.parametrize(
    "remainder", ["passthrough", StandardScaler(), make_pipeline("passthrough", PowerTransformer())]
)
def test_the_remainder_goes_back_too(numbers, remainder, is_frame):
    data = numbers.assign(age=np.linspace(20, 60, len(numbers)))[["height", "age", "weight"]]
    columns = ColumnTransformer([("scaler", MinMaxScaler(), [1]), ("none", PCA(), [])], remainder=remainder)
    pipeline = make_pipeline(columns, StandardScaler(), make_kde(0.1)).fit(data if is_frame else data.to_numpy())
    synthetic = sample(pipeline, 3000, random_state=0)
    assert isinstance(synthetic, pd.DataFrame if is_frame else np.ndarray)
    synthetic = pd.DataFrame(synthetic).set_axis(data.columns, axis=1)
    assert_alike(synthetic[["height", "weight"]], numbers)
    assert synthetic["age"].between(14, 66).all() and abs(synthetic["age"].mean() - 40) < 1


def test_an_array_of_objects_comes_back_as_one(people):
    scaler = make_pipeline(StandardScaler(), FunctionTransformer(np.exp, np.log))
    columns = make_column_transformer(("passthrough", [0]), (scaler, [2, 1]))
    synthetic = sample(make_pipeline(columns, make_gan()).fit(people.to_numpy()), 200)
    assert isinstance(synthetic, np.ndarray) and synthetic.dtype == object
    assert set(synthetic[:, 0]) == set(CITIES)
    assert people["height"].min() - 1e-6 < synthetic[:, 1].min() < synthetic[:, 1].max() < people["height"].max() + 1e-6


def test_weights_of_parts_are_undone(numbers):
    parts = [("left", StandardScaler(), ["weight"]), ("right", "passthrough", ["height"])]
    columns = ColumnTransformer(parts, transformer_weights={"left": 5.0, "right": 0.1})
    assert_alike(sample(make_pipeline(columns, make_kde()).fit(numbers), 3000, random_state=0), numbers)


@pytest.mark.parametrize("is_frame", [True, False])
@pytest.mark.parametrize("output", ["default", "pandas"])
@pytest.mark.parametrize("step", [QuantileTransformer(n_quantiles=50), PowerTransformer(), PCA(whiten=True)])
def test_steps_get_names_as_in_fit_and_so_do_not_warn(numbers, step, output, is_frame):
    data = numbers if is_frame else numbers.to_numpy()
    pipeline = make_pipeline(PowerTransformer(), step, StandardScaler(), make_kde()).set_output(transform=output)
    synthetic = sample(pipeline.fit(data), 3000, random_state=0)
    assert isinstance(synthetic, pd.DataFrame) == is_frame
    assert not is_frame or list(synthetic.columns) == ["height", "weight"]
    assert_alike(synthetic, numbers)


class Relative(TransformerMixin, BaseEstimator):
    """The user's own: frames in, frames out, and nothing of scikit-learn's."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return pd.DataFrame({"ratio": X["weight"] / X["height"], "height": X["height"]})

    def inverse_transform(self, X):
        return pd.DataFrame({"weight": X["ratio"] * X["height"], "height": X["height"]})


def test_a_step_of_the_users_own_gets_the_frame_that_it_gave(numbers):
    own = make_pipeline(Relative(), StandardScaler(), make_kde()).fit(numbers)
    as_functions = FunctionTransformer(Relative().transform, Relative().inverse_transform, check_inverse=False)
    functions = make_pipeline(as_functions, StandardScaler(), make_kde()).fit(numbers)
    synthetic = sample(functions, 3000, random_state=0)
    assert list(synthetic.columns) == ["height", "weight"]  # the inverse has them the other way round
    assert_alike(synthetic, numbers)
    pd.testing.assert_frame_equal(synthetic, sample(own, 3000, random_state=0)[["height", "weight"]])


@pytest.mark.parametrize("nothing", ["passthrough", None])
def test_pipelines_inside_and_steps_that_do_nothing(numbers, nothing):
    inner = Pipeline([("nothing", nothing), ("pca", PCA()), ("power", PowerTransformer())])
    model = Pipeline([("scaler", StandardScaler()), ("density", make_kde())])
    pipeline = Pipeline([("nothing", nothing), ("inner", inner), ("frozen", FrozenEstimator(PCA())), ("model", model)])
    pipeline.set_params(frozen=PCA()).fit(numbers)
    pipeline.set_params(frozen=FrozenEstimator(pipeline["frozen"]))
    synthetic = sample(pipeline, 3000, random_state=0)
    assert list(synthetic.columns) == ["height", "weight"]
    assert_alike(synthetic, numbers)


def test_samplers_of_imbalanced_learn_are_left_out(numbers):
    imblearn_pipeline = pytest.importorskip("imblearn.pipeline")
    from imblearn.under_sampling import RandomUnderSampler

    target = (np.arange(len(numbers)) < 100).astype(int)
    steps = (RandomUnderSampler(random_state=0), StandardScaler(), make_gan(max_steps=60))
    pipeline = imblearn_pipeline.make_pipeline(*steps).fit(numbers, target)
    X, y = sample(pipeline, 1000, return_y=True)
    assert list(X.columns) == ["height", "weight"] and abs(X["height"].mean() - 170) < 3
    assert 0.4 < y.mean() < 0.6  # balanced by the sampler; a quarter before


def test_with_nothing_to_undo_a_frame_is_returned_as_it_is(people):
    gan = make_gan().fit(people.astype({"city": "category"}))
    pipeline = Pipeline([("nothing", "passthrough"), ("gan", gan)])
    pd.testing.assert_frame_equal(sample(pipeline, 50), gan.sample(50))
    assert sample(pipeline)["city"].dtype == "category" and len(sample(pipeline)) == 1


def test_conditions_are_in_the_last_steps_columns(numbers):
    pipeline = make_pipeline(StandardScaler().set_output(transform="pandas"), make_gan()).fit(numbers)
    synthetic = sample(pipeline, 100, conditions={"height": (0.0, 1.0)}, random_state=1)
    mean, spread = numbers["height"].mean(), numbers["height"].std(ddof=0)
    assert synthetic["height"].between(mean - 1e-6, mean + spread + 1e-6).all()
    frame = pd.DataFrame({"height": [0.0, 1.0]})
    assert np.allclose(sample(pipeline, 2, conditions=frame)["height"], [mean, mean + spread], atol=0.2)


def test_no_samples_have_columns_and_dtypes_too(people):
    columns = make_column_transformer((OneHotEncoder(), ["city"]), (MinMaxScaler(), ["height", "weight"]))
    pipeline = make_pipeline(columns, make_gan()).fit(people, people["height"] > 170)
    none, some = sample(pipeline, 0), sample(pipeline, 5)
    assert none.shape == (0, 3) and none.dtypes.tolist() == some.dtypes.tolist()
    X, y = sample(pipeline, 0, return_y=True)
    assert X.shape == (0, 3) and y.shape == (0,) and y.dtype == bool
    X, y = sample(make_pipeline(PCA(), GaussianMixture()).fit(people[["height"]].to_numpy()), np.int64(0))
    assert X.shape == (0, 1) and y.shape == (0,)


def test_random_state_is_for_steps_that_take_it(numbers):
    density = make_pipeline(StandardScaler(), make_kde()).fit(numbers)
    first, again = (sample(density, 5, random_state=3) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(sample(density, 5, random_state=4))
    mixture = make_pipeline(StandardScaler(), GaussianMixture(random_state=0)).fit(numbers)
    with pytest.raises(InvalidInputError, match=r"'gaussianmixture' \(GaussianMixture\), takes no random_state"):
        sample(mixture, 5, random_state=3)
    assert sample(mixture, 5)[0].equals(sample(mixture, 5)[0])


@pytest.mark.parametrize("n_samples", [-1, 1.0, "3", True, None])
def test_n_samples_must_be_a_whole_number(numbers, n_samples):
    pipeline = make_pipeline(make_kde()).fit(numbers)
    with pytest.raises(
        InvalidInputError, match=f"n_samples must be a whole number of at least 0, but is {n_samples!r}"
    ):
        sample(pipeline, n_samples)


def test_what_is_no_pipeline_or_not_fitted_or_cannot_sample(numbers):
    with pytest.raises(InvalidInputError, match="pipeline must be a Pipeline, but is of type KernelDensity"):
        sample(make_kde().fit(numbers))
    with pytest.raises(NotFittedError, match="Pipeline instance is not fitted yet"):
        sample(make_pipeline(StandardScaler(), make_kde()))
    with pytest.raises(NotFittedError, match="StandardScaler instance is not fitted yet"):
        sample(make_pipeline(StandardScaler(), make_kde().fit(numbers)))
    with pytest.raises(InvalidInputError, match=r"last step, 'judge' \(LogisticRegression\), can't sample.*TabularGAN"):
        sample(Pipeline([("judge", LogisticRegression())]))
    with pytest.raises(InvalidInputError, match=r"last step, 'end' \(passthrough\), can't sample"):
        sample(Pipeline([("scaler", StandardScaler()), ("end", "passthrough")]).fit(numbers))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (Normalizer(), r"'step' \(Normalizer\) has no inverse_transform. Drop the step \(ganaug's GANs take"),
        (make_pipeline(Normalizer()), r"'step__normalizer' \(Normalizer\) has no inverse_transform"),
        (FunctionTransformer(np.log), r"'step' \(FunctionTransformer\) has a func but no inverse_func"),
        (VarianceThreshold(85.0), r"'step' \(VarianceThreshold\) left out columns, .* fill with zeros"),
        (SimpleImputer(), r"'step' \(SimpleImputer\) can't take samples back: .*add_indicator.*'. Drop the step"),
        (make_column_transformer((Normalizer(), [0]), (PCA(), [1])), r"'step__normalizer' \(Normalizer\) has no"),
        (make_column_transformer((PCA(), ["height"])), r"drops the columns \['weight'\]\. .*remainder='passthrough'"),
        (
            make_column_transformer(("drop", [0]), remainder="passthrough"),
            r"'step' \(ColumnTransformer\) .* drops the columns \['height'\]",
        ),
        (
            make_column_transformer((StandardScaler(), [0, 1]), (MinMaxScaler(), ["weight"])),
            r"'step' \(ColumnTransformer\) .* gives \['weight'\] to several parts",
        ),
    ],
)
def test_steps_that_cannot_be_undone_are_named(numbers, step, message):
    pipeline = Pipeline([("step", step), ("density", make_kde())]).fit(numbers)
    with pytest.raises(InvalidInputError, match=message) as caught:
        sample(pipeline, 5)
    assert isinstance(step, SimpleImputer) == isinstance(caught.value.__cause__, ValueError)


def test_steps_whose_inverse_is_harmless_are_no_error(numbers):
    harmless = (FunctionTransformer(), VarianceThreshold(1.0), FunctionTransformer(np.log, np.exp))
    assert_alike(sample(make_pipeline(*harmless, make_kde(0.01)).fit(numbers), 3000, random_state=0), numbers)


def test_a_part_whose_inverse_has_other_columns(numbers):
    widen = FunctionTransformer(lambda X: X, lambda X: np.column_stack([X, X]), check_inverse=False)
    pipeline = make_pipeline(make_column_transformer((widen, [0]), remainder="passthrough"), make_kde()).fit(numbers)
    with pytest.raises(InvalidInputError, match=r"Part 'functiontransformer' of .* given 1 columns, .* returns 2"):
        sample(pipeline)


def test_importing_it_imports_nothing_heavy():
    code = "import sys, ganaug.pipeline; print({'torch', 'mlflow', 'imblearn', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
