"""A callback that shows a table learning."""

from pathlib import Path
from typing import Any

import pandas as pd

from ganaug.adversarial import SamplePreview


class SampleTable(SamplePreview):
    """Sample the same ten rows every so many rounds, and write them as CSV if a folder is given.

    Examples
    --------
    >>> from ganaug.tabular import SampleTable, TabularGAN
    >>> gan = TabularGAN(callbacks=[SampleTable(every=500, folder="previews")])
    """

    def write(self, sample: Any, stem: Path) -> None:
        """Write ``sample`` as ``stem``.csv."""
        pd.DataFrame(sample).to_csv(stem.with_suffix(".csv"), index=False)
