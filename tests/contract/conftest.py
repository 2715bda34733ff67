import sys
from pathlib import Path

import pytest

# importlib mode puts no test folder on the path; helpers stand beside the tests that use them.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="module")
def fitted():
    """Give the transformers and all GANs as fitted; not to be changed."""
    from discovery import GANS, TRANSFORMERS, fit

    return {name: fit(name) for name in sorted({*TRANSFORMERS, *GANS})}
