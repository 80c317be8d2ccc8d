"""What tests of every folder share: where the real models are."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is no failure: no test here is timed.
settings.register_profile("exactre", deadline=None)
settings.load_profile("exactre")

MODELS = Path(os.environ.get("EXACTRE_MODELS", Path(__file__).parents[2] / "shared" / "models"))


@pytest.fixture(scope="session")
def models():
    if not MODELS.is_dir():
        pytest.skip(f"the real models are not there: {MODELS}")
    return MODELS
