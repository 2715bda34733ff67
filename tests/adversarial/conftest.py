import sys
from pathlib import Path

# importlib mode puts no test folder on the path; helpers stand beside the tests that use them.
sys.path.insert(0, str(Path(__file__).parent))
