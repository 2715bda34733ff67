"""GANs for tables and images, and a detector made of their discriminator, with scikit-learn's interface.

>>> from ganaug.tabular import TabularGAN  # doctest: +SKIP
>>> TabularGAN(random_state=0).fit(table).sample(1000)  # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "load"]

if TYPE_CHECKING:
    from ganaug.persistence import load


def __getattr__(name: str) -> Any:
    # Late, so that ``import ganaug`` (and the command line's --help) does not wait for torch.
    if name == "load":
        from ganaug.persistence import load

        return load
    raise AttributeError(f"module 'ganaug' has no attribute {name!r}")
