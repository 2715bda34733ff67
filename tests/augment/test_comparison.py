"""What is made of scores: tables, intervals, and the verdict in every case that there is."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

from ganaug.augment import Comparison
from ganaug.augment.comparison_files import FILES, write_files
from ganaug.augment.measures import corrected_interval
from ganaug.exceptions import InvalidInputError

N_SPLITS, N_REPEATS = 5, 2
WOBBLE = np.random.default_rng(0).normal(size=(4, N_SPLITS * N_REPEATS))
WOBBLE = WOBBLE - WOBBLE.mean(axis=1, keepdims=True)


def make_scores(metric="average_precision", **estimators):
    """Return scores of estimators, given as {method: (mean, wobble)}; differences wobble by about as much."""
    rows = []
    for estimator, methods in estimators.items():
        for place, (method, (mean, wobble)) in enumerate(methods.items()):
            for fold, shift in enumerate(WOBBLE[place % 4]):
                repeat, part = divmod(fold, N_SPLITS)
                value = mean + wobble * shift
                rows.append((estimator, method, repeat, part, metric, value, 0.5, 0.25))
    names = ["estimator", "method", "repeat", "fold", "metric", "value", "resample_seconds", "fit_seconds"]
    return pd.DataFrame(rows, columns=names)


def compare_means(**methods):
    return Comparison(make_scores(tree=methods))


def test_the_table_holds_means_differences_and_intervals():
    comparison = compare_means(none=(0.5, 0.01), smote=(0.55, 0.02), gan=(0.52, 0.01))
    table = comparison.table()
    assert list(table)[:3] == ["estimator", "method", "mean"] and table["method"].tolist() == ["none", "smote", "gan"]
    assert table["mean"].tolist() == pytest.approx([0.5, 0.55, 0.52])
    assert table["difference"].tolist() == pytest.approx([0.0, 0.05, 0.02])
    low, high = corrected_interval(0.05 + 0.02 * WOBBLE[1] - 0.01 * WOBBLE[0], N_SPLITS)
    assert (table.loc[1, "low"], table.loc[1, "high"]) == pytest.approx((low, high))
    assert table.loc[0, ["low", "high"]].isna().all()
    assert (table["resample_seconds"] == 0.5).all() and (table["fit_seconds"] == 0.25).all()


def test_differences_are_paired_by_fold():
    scores = make_scores(tree={"none": (0.5, 0.1), "gan": (0.5, 0.1)})
    is_gan = scores["method"] == "gan"
    scores.loc[is_gan, "value"] = scores.loc[~is_gan, "value"].to_numpy() + 0.01
    shuffled = scores.sample(frac=1, random_state=0)
    shuffled = pd.concat([shuffled[shuffled["method"] == name] for name in ("none", "gan")])
    table = Comparison(shuffled).table()
    assert (table.loc[1, "low"], table.loc[1, "high"]) == pytest.approx((0.01, 0.01))


def test_differences_to_another_method():
    comparison = compare_means(none=(0.5, 0.01), smote=(0.55, 0.02), gan=(0.52, 0.01))
    table = comparison.against("smote").set_index("method")
    assert table["difference"].tolist() == pytest.approx([-0.05, 0.0, -0.03])
    assert table.loc["smote", ["low", "high"]].isna().all() and table["wins"].tolist() == [False, True, False]


# In each case the last word is whether the GAN is to be used, and why.
CASES = {
    "the GAN is clearly best": (
        {"none": (0.50, 0.01), "smote": (0.52, 0.01), "gan": (0.60, 0.01)},
        "gan",
        "Use the GAN: average precision 0.600 against 0.500 with the data left as it is (+0.100, 95 % interval +0.0",
        "and 0.520 with SMOTE, the best of the others (+0.080, 95 % interval +0.0",
    ),
    "the GAN is best, and nothing else was tried": (
        {"none": (0.50, 0.01), "gan": (0.60, 0.01)},
        "gan",
        "Use the GAN: average precision 0.600 against 0.500 with the data left as it is (+0.100,",
        "",
    ),
    "the GAN is best of all, and better than others that do harm": (
        {"none": (0.50, 0.01), "smote": (0.40, 0.01), "gan": (0.60, 0.01)},
        "gan",
        "Use the GAN: average precision 0.600 against 0.500 with the data left as it is (+0.100,",
        "",
    ),
    "the GAN is best by a hair": (
        {"none": (0.50, 0.05), "smote": (0.49, 0.05), "gan": (0.51, 0.05)},
        "none",
        "Don't use a GAN here, leave the data as it is: average precision 0.500; 0.510 with the GAN is a gain within "
        "the noise (+0.010, 95 % interval -0.",
        "0.490 with SMOTE is no gain (-0.010, 95 % interval -0.",
    ),
    "the GAN is best, but SMOTE is as good": (
        {"none": (0.50, 0.01), "smote": (0.590, 0.01), "gan": (0.595, 0.01)},
        "smote",
        "Don't use a GAN here, use SMOTE: average precision 0.590 against 0.500 with the data left as it is (+0.090,",
        "the GAN has 0.595, a lead within the noise over the 0.590 of SMOTE (+0.005, 95 % interval -0.0",
    ),
    "SMOTE is best": (
        {"none": (0.50, 0.01), "smote": (0.60, 0.01), "gan": (0.55, 0.01)},
        "smote",
        "Don't use a GAN here, use SMOTE: average precision 0.600 against 0.500",
        "the GAN has 0.550, not above the 0.600 of SMOTE (-0.050,",
    ),
    "only the GAN is proven, but not beyond one that wobbles": (
        {"none": (0.50, 0.01), "smote": (0.54, 0.10), "gan": (0.545, 0.01)},
        "smote",
        "Don't use a GAN here, use SMOTE: average precision 0.540 against 0.500",
        "the GAN has 0.545, a lead within the noise over the 0.540 of SMOTE",
    ),
    "the best of all wobbles, another is proven": (
        {"none": (0.50, 0.01), "smote": (0.56, 0.20), "class_weight": (0.54, 0.01), "gan": (0.50, 0.01)},
        "class_weight",
        "Don't use a GAN here, use class weights: average precision 0.540 against 0.500",
        "the GAN has 0.500, not above the 0.560 of SMOTE",
    ),
    "all do harm": (
        {"none": (0.50, 0.01), "smote": (0.40, 0.01), "gan": (0.45, 0.01)},
        "none",
        "Don't use a GAN here, leave the data as it is: average precision 0.500; 0.450 with the GAN is no gain",
        "0.400 with SMOTE is no gain (-0.100,",
    ),
    "no GAN was tried, and SMOTE is best": (
        {"none": (0.50, 0.01), "smote": (0.60, 0.01)},
        "smote",
        "Use SMOTE: average precision 0.600 against 0.500 with the data left as it is (+0.100,",
        "",
    ),
    "no GAN was tried, and nothing helps": (
        {"none": (0.50, 0.01), "smote": (0.50, 0.01)},
        "none",
        "Leave the data as it is: average precision 0.500; 0.500 with SMOTE is no gain (+0.000,",
        "",
    ),
    "nothing was tried": (
        {"none": (0.50, 0.01)},
        "none",
        "Leave the data as it is: average precision 0.500; nothing else was tried.",
        "",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verdict(case):
    methods, winner, begin, later = CASES[case]
    comparison = compare_means(**methods)
    verdict = comparison.verdict()
    assert comparison.winner() == winner
    assert verdict.startswith(begin) and later in verdict and "\n" not in verdict and verdict.endswith(".")
    table = comparison.table()
    assert table.loc[table["wins"], "method"].tolist() == [winner]
    assert ("the best of the others" in verdict) == (winner == "gan" and "best of the others" in later)


def test_over_several_classifiers_the_best_pair_decides():
    worse = {"none": (0.50, 0.01), "gan": (0.60, 0.01)}
    better = {"none": (0.80, 0.01), "gan": (0.70, 0.01)}
    comparison = Comparison(make_scores(logistic=worse, boosting=better))
    lines = comparison.verdict().split("\n")
    assert [comparison.winner("logistic"), comparison.winner("boosting")] == ["gan", "none"]
    assert lines[0] == (
        "Overall: don't use a GAN here: boosting with the data left as it is has the best average precision, 0.800, "
        "though a GAN helps logistic."
    )
    assert lines[1].startswith("logistic: use the GAN:")
    assert lines[2].startswith("boosting: don't use a GAN here, leave the data as it is:")
    assert len(lines) == 3


def test_over_several_classifiers_a_gan_may_be_best():
    both = {"none": (0.50, 0.01), "gan": (0.60, 0.01)}
    verdict = Comparison(make_scores(logistic=both, tree={**both, "gan": (0.7, 0.01)})).verdict()
    assert verdict.startswith("Overall: use the GAN: tree with the GAN has the best average precision, 0.700.")
    without = {"none": (0.50, 0.01), "smote": (0.60, 0.01)}
    verdict = Comparison(make_scores(logistic=without, tree=without)).verdict()
    assert verdict.startswith("Overall: logistic with SMOTE has the best average precision, 0.600.")


def test_other_gans_are_gans_too():
    scores = make_scores(tree={"none": (0.5, 0.01), "gan": (0.5, 0.01), "longer": (0.6, 0.01)})
    assert Comparison(scores, gans=("gan", "longer")).verdict().startswith("Use 'longer': average precision 0.600")
    assert Comparison(scores).verdict().startswith("Don't use a GAN here, use 'longer':")


def test_each_metric_has_a_verdict_of_its_own():
    parts = [
        make_scores("average_precision", tree={"none": (0.5, 0.01), "gan": (0.6, 0.01)}),
        make_scores("roc_auc", tree={"none": (0.9, 0.01), "gan": (0.8, 0.01)}),
    ]
    comparison = Comparison(pd.concat(parts, ignore_index=True), metric="roc_auc")
    assert comparison.winner() == "none" and comparison.winner(metric="average_precision") == "gan"
    assert "ROC AUC 0.900" in comparison.verdict() and str(comparison).startswith("ROC AUC, 10 folds\n")
    assert comparison.table("average_precision")["mean"].tolist() == pytest.approx([0.5, 0.6])


def test_a_method_may_be_left_out_for_a_classifier():
    scores = make_scores(
        tree={"none": (0.5, 0.01), "class_weight": (0.6, 0.01)}, neighbors={"none": (0.5, 0.01), "gan": (0.4, 0.01)}
    )
    comparison = Comparison(scores, notes=["class_weight: left out for neighbors"])
    assert (comparison.winner("tree"), comparison.winner("neighbors")) == ("class_weight", "none")
    table = comparison.against("class_weight").set_index(["estimator", "method"])
    assert table.loc[("tree", "none"), "difference"] == pytest.approx(-0.1)
    assert table.loc["neighbors", "difference"].isna().all()
    assert "Note: class_weight: left out for neighbors" in str(comparison)
    assert len(comparison.plot().axes) == 2


def test_it_prints_a_table_and_the_verdict():
    comparison = compare_means(none=(0.5, 0.01), smote=(0.6, 0.01))
    lines = str(comparison).splitlines()
    assert lines[0] == "Average precision, 10 folds"
    assert lines[1].split() == "estimator method use mean difference 95 % interval CPU s per fold".split()
    assert lines[2].split() == ["tree", "none", "0.500", "+0.000", "0.75"]
    assert lines[3].split()[:5] == ["tree", "smote", "*", "0.600", "+0.100"]
    assert lines[-1] == comparison.verdict()


def test_the_page_of_a_notebook_escapes_names():
    scores = make_scores(**{"<b>": {"none": (0.5, 0.01), "gan": (0.6, 0.01)}})
    page = Comparison(scores, notes=["a < b"])._repr_html_()
    assert "<b>" not in page and "&lt;b&gt;" in page and "a &lt; b" in page and "Use the GAN" in page


def test_the_drawing(tmp_path):
    before = dict(matplotlib.rcParams)
    comparison = compare_means(none=(0.5, 0.01), smote=(0.6, 0.01), gan=(0.55, 0.01))
    figure = comparison.plot(tmp_path / "new" / "drawing.png")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["the data left as it is", "SMOTE", "the GAN"]
    assert [text.get_text() for text in axes.texts] == ["0.500", "0.600", "0.550"]
    low, high = comparison.table().loc[1, ["low", "high"]]
    assert axes.lines[3].get_xdata() == pytest.approx([low, high])
    assert (tmp_path / "new" / "drawing.png").read_bytes().startswith(b"\x89PNG")
    comparison.plot(tmp_path / "drawing.svg", "average_precision")
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["drawing.png"]  # nothing temporary is left
    assert dict(matplotlib.rcParams) == before
    with pytest.raises(InvalidInputError, match=r"drawing.doc'\: the name must end in one of"):
        comparison.plot(tmp_path / "drawing.doc")


def test_a_name_is_drawn_as_it_is_written(tmp_path):
    Comparison(make_scores(**{"$x$ _": {"none": (0.5, 0.01), "a$_b": (0.6, 0.01)}})).plot(tmp_path / "drawing.png")


def test_files_hold_all_metrics_and_scores(tmp_path):
    comparison = compare_means(none=(0.5, 0.01), gan=(0.6, 0.01))
    files = write_files(comparison, tmp_path)
    assert [file.name for file in files] == list(FILES) and sorted(tmp_path.iterdir()) == sorted(files)
    table = pd.read_csv(files[0])
    assert table["metric"].unique().tolist() == ["average_precision"] and table["wins"].tolist() == [False, True]
    pd.testing.assert_frame_equal(pd.read_csv(files[1]), comparison.scores)


def test_what_was_not_compared_is_named():
    comparison = Comparison(make_scores(a={"none": (0.5, 0.01)}, b={"none": (0.5, 0.01)}))
    with pytest.raises(InvalidInputError, match="estimator=None was not compared. Choose among .'a', 'b'."):
        comparison.winner()
    with pytest.raises(InvalidInputError, match="reference='gan' was not compared. Choose among .'none'."):
        comparison.against("gan")
    with pytest.raises(InvalidInputError, match="metric='accuracy' is unknown. Choose among average_precision"):
        comparison.table("accuracy")
