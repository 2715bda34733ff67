"""CTGAN and TVAE of the SDV family behind ganaug's interface, to compare `TabularGAN` with.

The networks and their training are those of the ``ctgan`` package, which is imported when ``fit``
is called. Its license is the Business Source License 1.1 (BUSL-1.1), which is no open-source
license: read it before you use these two classes in production. The extra that installs it:
``pip install 'ganaug[sdv]'``.
"""

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np
from sklearn.utils._param_validation import Interval

from ganaug.exceptions import InvalidInputError
from ganaug.tabular.sdv_base import SDVSynthesizer
from ganaug.tabular.sdv_metadata import from_sdv_metadata

__all__ = ["CTGAN", "TVAE", "from_sdv_metadata"]


class CTGAN(SDVSynthesizer):
    """The ctgan package's CTGAN (Xu et al., 2019) with the interface of `TabularGAN`.

    Around ctgan's own training, this class takes care of what it leaves to its user: missing
    numbers (learned as a yes/no column, with the median in the gaps), dates, dtypes, rounding,
    ranges, constant columns, any batch size, and seeds. The global random states are left as they
    were. While ``fit`` or ``sample`` runs, other estimators of the same process that need them
    wait.

    Parameters
    ----------
    epochs : int, default=300
        Passes over the rows.
    batch_size : int, default=500
        Rows per step, lowered to the next even multiple of ``pac`` (or raised to the first one):
        ctgan takes no other. Batches are drawn with replacement, so there may be fewer rows than
        that.
    categorical_features : "from_dtype" or list of names, indices or bools, default="from_dtype"
        Columns to treat as categories; strings, booleans and categorical dtypes are so in any case.
    latent_dim : int, default=128
        Size of the noise vector.
    pac : int, default=10
        Rows that the discriminator judges together.
    generator_hidden, discriminator_hidden : sequence of int, default=(256, 256)
        Widths of the hidden layers.
    generator_lr, discriminator_lr : float, default=2e-4
        Learning rates.
    log_frequency : bool, default=True
        Whether ctgan draws categories by the logarithm of their frequency. It does so for training
        *and* for sampling: rare categories are learned better, and come out more often than they
        were. False gives true frequencies.
    device : {"auto", "cpu", "cuda"}, default="auto"
        Where to train; "auto" takes a GPU where there is one.
    random_state : int, RandomState or None, default=None
        An integer makes ``fit`` and ``sample`` repeatable (to the bit, on a CPU).
    verbose : int or bool, default=0
        Whether to show ctgan's progress bar.

    Attributes
    ----------
    history_ : list of dict
        "epoch", "generator/adversarial" (with ctgan's condition loss) and
        "discriminator/adversarial" (without its gradient penalty), of each epoch's last step.
    n_iter_ : int
        Epochs trained.
    stop_reason_ : {"epochs", "interrupted"}
        Why training stopped.
    batch_size_ : int
        Rows per step in fact.
    device_ : {"cpu", "cuda"}
        Where it was trained.
    n_features_in_, feature_names_in_
        As in scikit-learn.
    synthesizer_ : ctgan.CTGAN
        The object underneath.

    Notes
    -----
    There is no ``score_samples``: ctgan throws its discriminator away after training.

    Conditions are met by drawing rows and rejecting those that don't meet them, and not by ctgan's
    own conditional sampling, which as of ctgan 0.12 has no effect: batch normalization is left in
    training mode, and cancels a condition that all rows of a batch share. (It also looks up every
    condition in the first discrete column's place.)

    Examples
    --------
    >>> from ganaug.tabular.sdv import CTGAN
    >>> gan = CTGAN(epochs=10, random_state=0).fit(table)  # doctest: +SKIP
    >>> gan.sample(5, conditions={"fraud": 1, "amount": (100, 500)})  # doctest: +SKIP
    """

    _losses: ClassVar[dict[str, str]] = {
        "generator/adversarial": "Generator Loss",
        "discriminator/adversarial": "Discriminator Loss",
    }
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SDVSynthesizer._parameter_constraints,
        "pac": [Interval(Integral, 1, None, closed="left")],
        "generator_hidden": ["array-like"],
        "discriminator_hidden": ["array-like"],
        "generator_lr": [Interval(Real, 0, None, closed="neither")],
        "discriminator_lr": [Interval(Real, 0, None, closed="neither")],
        "log_frequency": ["boolean"],
    }

    def __init__(
        self,
        *,
        epochs: int = 300,
        batch_size: int = 500,
        categorical_features: str | Sequence[Any] = "from_dtype",
        latent_dim: int = 128,
        pac: int = 10,
        generator_hidden: Sequence[int] = (256, 256),
        discriminator_hidden: Sequence[int] = (256, 256),
        generator_lr: float = 2e-4,
        discriminator_lr: float = 2e-4,
        log_frequency: bool = True,
        device: Literal["auto", "cpu", "cuda"] = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.epochs = epochs
        self.batch_size = batch_size
        self.categorical_features = categorical_features
        self.latent_dim = latent_dim
        self.pac = pac
        self.generator_hidden = generator_hidden
        self.discriminator_hidden = discriminator_hidden
        self.generator_lr = generator_lr
        self.discriminator_lr = discriminator_lr
        self.log_frequency = log_frequency
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _make_synthesizer(self, ctgan: Any) -> Any:
        return ctgan.CTGAN(
            embedding_dim=int(self.latent_dim),
            generator_dim=_widths(self.generator_hidden, "generator_hidden"),
            discriminator_dim=_widths(self.discriminator_hidden, "discriminator_hidden"),
            generator_lr=float(self.generator_lr),
            discriminator_lr=float(self.discriminator_lr),
            batch_size=self.batch_size_,
            log_frequency=bool(self.log_frequency),
            verbose=bool(self.verbose),
            epochs=int(self.epochs),
            pac=int(self.pac),
            enable_gpu=self.device_ == "cuda",
        )

    def _legal_batch_size(self) -> int:
        # ctgan asserts an even size, and its discriminator one that packs divide.
        unit = math.lcm(2, int(self.pac))
        return max(int(self.batch_size) // unit, 1) * unit


class TVAE(SDVSynthesizer):
    """The ctgan package's TVAE (Xu et al., 2019) with the interface of `TabularGAN`.

    It is a variational autoencoder, not a GAN, and a common yardstick for table GANs.

    What is said of `CTGAN` about missing values, dtypes, seeds and threads is true here as well.

    Parameters
    ----------
    epochs : int, default=300
        Passes over the rows.
    batch_size : int, default=500
        Rows per step; there may be fewer rows than that.
    categorical_features : "from_dtype" or list of names, indices or bools, default="from_dtype"
        Columns to treat as categories; strings, booleans and categorical dtypes are so in any case.
    latent_dim : int, default=128
        Size of the latent vector.
    encoder_hidden, decoder_hidden : sequence of int, default=(128, 128)
        Widths of the hidden layers.
    device : {"auto", "cpu", "cuda"}, default="auto"
        Where to train; "auto" takes a GPU where there is one.
    random_state : int, RandomState or None, default=None
        An integer makes ``fit`` and ``sample`` repeatable (to the bit, on a CPU).
    verbose : int or bool, default=0
        Whether to show ctgan's progress bar.

    Attributes
    ----------
    history_ : list of dict
        "epoch" and "generator/likelihood": the loss that TVAE minimizes (twice the reconstruction's
        negative log-likelihood plus the Kullback-Leibler term), as the epoch's mean.
    n_iter_, stop_reason_, batch_size_, device_, n_features_in_, feature_names_in_
        As for `CTGAN`.
    synthesizer_ : ctgan.TVAE
        The object underneath.

    Examples
    --------
    >>> from ganaug.tabular.sdv import TVAE
    >>> TVAE(epochs=10, random_state=0).fit(table).sample(5)  # doctest: +SKIP
    """

    _losses: ClassVar[dict[str, str]] = {"generator/likelihood": "Loss"}
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SDVSynthesizer._parameter_constraints,
        "encoder_hidden": ["array-like"],
        "decoder_hidden": ["array-like"],
    }

    def __init__(
        self,
        *,
        epochs: int = 300,
        batch_size: int = 500,
        categorical_features: str | Sequence[Any] = "from_dtype",
        latent_dim: int = 128,
        encoder_hidden: Sequence[int] = (128, 128),
        decoder_hidden: Sequence[int] = (128, 128),
        device: Literal["auto", "cpu", "cuda"] = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.epochs = epochs
        self.batch_size = batch_size
        self.categorical_features = categorical_features
        self.latent_dim = latent_dim
        self.encoder_hidden = encoder_hidden
        self.decoder_hidden = decoder_hidden
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _make_synthesizer(self, ctgan: Any) -> Any:
        return ctgan.TVAE(
            embedding_dim=int(self.latent_dim),
            compress_dims=_widths(self.encoder_hidden, "encoder_hidden"),
            decompress_dims=_widths(self.decoder_hidden, "decoder_hidden"),
            batch_size=self.batch_size_,
            epochs=int(self.epochs),
            enable_gpu=self.device_ == "cuda",
            verbose=bool(self.verbose),
        )


def _widths(widths: Any, name: str) -> tuple[int, ...]:
    if not all(isinstance(width, Integral) and int(width) > 0 for width in widths):
        raise InvalidInputError(f"{name}={widths!r}: give the widths of the layers, positive whole numbers.")
    return tuple(int(width) for width in widths)
