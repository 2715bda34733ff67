"""What is compared: ours at several budgets, and rivals, each behind ``fit`` and ``sample``.

A method's name is ``NAME``, ``NAME-NUMBER`` or ``NAME-NUMBER-VARIANT``. The number is a budget: wall seconds for
TabularGAN, epochs for the others; without one a method has its own defaults. This file is read in a rival's own
environment too, so it imports nothing but the standard library until it is asked to make something.
"""

import importlib.metadata
import inspect
import re
from dataclasses import dataclass

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
"""Environment variables that hold every method, and the judge, to one thread and one process."""

VARIANTS = {
    "likelihood": {"adversarial_weight": 0.0},
    # With step sizes of its own, of a dozen tried: those that suit the likelihood would be a straw man.
    "adversarial": {"likelihood_weight": 0.0, "generator_lr": 5e-4, "discriminator_lr": 3e-3},
}
"""Of TabularGAN: what is left when one of its generator's two terms is turned off."""

PACKAGES = {
    "TabularGAN": "ganaug",
    "CTGAN": "ctgan",
    "TVAE": "ctgan",
    "GaussianCopula": "sdv",
    "TabularARGN": "mostlyai-engine",
}
DEFAULT = "TabularGAN-5,TabularGAN-12,TabularGAN-30,TabularGAN-60,GaussianCopula,TVAE,TabularARGN,CTGAN"
SAMPLED = "TabularGAN-12,CTGAN-1,TVAE-1"
"""How long a model learned makes no difference to how fast it samples."""


@dataclass(frozen=True)
class Method:
    """A method's name, taken apart."""

    name: str
    kind: str
    number: float | None = None
    variant: str | None = None

    @property
    def package(self):
        """The distribution that it comes from."""
        return PACKAGES[self.kind]


def parse_method(name):
    """Return the `Method` that a name stands for; ValueError says what is wrong with it."""
    match = re.fullmatch(r"(\w+?)(?:-(\d+(?:\.\d+)?))?(?:-([a-z]+))?", name)
    kind, number, variant = match.groups() if match else (name, None, None)
    if kind not in PACKAGES:
        raise ValueError(f"There is no method {name!r}; there are {', '.join(PACKAGES)}, with a budget like CTGAN-30.")
    if variant and (kind != "TabularGAN" or variant not in VARIANTS):
        raise ValueError(f"{name!r}: only TabularGAN has variants, and they are {', '.join(VARIANTS)}.")
    if kind == "GaussianCopula" and number:
        raise ValueError(f"{name!r}: a Gaussian copula is fitted in one go and takes no budget.")
    return Method(name, kind, float(number) if number else None, variant)


def version_of(kind):
    """Return the version of a method's package here, or None where it isn't installed."""
    try:
        return importlib.metadata.version(PACKAGES[kind])
    except importlib.metadata.PackageNotFoundError:
        return None


def make_model(method, seed, categories):
    """Return an unfitted model with ``fit(table)`` and ``sample(n)``.

    Parameters
    ----------
    method : Method
    seed : int
        For those that take one; the others draw from the global generators.
    categories : list of str
        Columns to treat as categories, which hold text; all others are numbers.
    """
    makers = {"TabularGAN": make_ours, "GaussianCopula": Copula, "TabularARGN": Argn}
    return makers.get(method.kind, Ctgan)(method, seed, categories)


def make_ours(method, seed, categories):
    """Return ours; it takes text for categories by itself."""
    from ganaug.tabular import TabularGAN

    budget = {} if method.number is None else {"epochs": None, "max_steps": None, "max_seconds": method.number}
    return TabularGAN(random_state=seed, **budget, **VARIANTS.get(method.variant, {}))


class Ctgan:
    """CTGAN or TVAE of the ctgan package, on the processor."""

    def __init__(self, method, seed, categories):
        import ctgan

        kind = getattr(ctgan, method.kind)
        known = inspect.signature(kind).parameters
        budget = {} if method.number is None else {"epochs": int(method.number)}
        self.model = kind(**budget, **({"enable_gpu": False} if "enable_gpu" in known else {"cuda": False}))
        self.categories = categories

    def fit(self, table):
        self.model.fit(table, self.categories)

    def sample(self, n):
        return self.model.sample(n)


class Copula:
    """The Gaussian copula of sdv 2, which takes and gives tables by name, or of sdv 1, which takes one table."""

    def __init__(self, method, seed, categories):
        self.categories = categories

    def fit(self, table):
        from sdv.single_table import GaussianCopulaSynthesizer

        kinds = {name: "categorical" if name in self.categories else "numerical" for name in table}
        columns = {"columns": {name: {"sdtype": kind} for name, kind in kinds.items()}}
        self.is_by_name = int(version_of("GaussianCopula").split(".")[0]) >= 2
        if self.is_by_name:
            from sdv.metadata import Metadata

            self.model = GaussianCopulaSynthesizer(Metadata.load_from_dict({"tables": {"rows": columns}}))
            self.model.fit({"rows": table})
        else:
            from sdv.metadata import SingleTableMetadata

            self.model = GaussianCopulaSynthesizer(SingleTableMetadata.load_from_dict(columns))
            self.model.fit(table)

    def sample(self, n):
        drawn = self.model.sample(n)
        return drawn["rows"] if self.is_by_name else drawn


class Argn:
    """The autoregressive network of mostlyai-engine, told the kinds of columns and to keep rare values.

    By default it replaces rare values. That protects people and costs what is measured here, and none of the others
    does it.
    """

    def __init__(self, method, seed, categories):
        self.budget = {} if method.number is None else {"max_epochs": method.number}
        self.seed, self.categories = seed, categories

    def fit(self, table):
        from mostlyai.engine import TabularARGN

        kinds = {name: "TABULAR_CATEGORICAL" if name in self.categories else "TABULAR_NUMERIC_AUTO" for name in table}
        fixed = {"device": "cpu", "value_protection": False, "random_state": self.seed}
        self.model = TabularARGN(tgt_encoding_types=kinds, **fixed, **self.budget)
        self.model.fit(table)

    def sample(self, n):
        return self.model.sample(n_samples=n)
