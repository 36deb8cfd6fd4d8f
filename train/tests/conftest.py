"""Where the compiled program is, for the tests that need llama.cpp."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def bhroute():
    root = Path(__file__).parents[2]
    places = [os.environ.get("BHROUTE_BINARY", ""), root / "build/release/bin/bhroute", root / "build/dev/bin/bhroute"]
    found = next((Path(p) for p in places if str(p) and Path(p).is_file()), None)
    if found is None:
        pytest.skip("no built bhroute: set BHROUTE_BINARY")
    return found
