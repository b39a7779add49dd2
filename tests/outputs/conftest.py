"""What is tested here is where commands write, so a forecast simulates as few of its paths as it may."""

from collections.abc import Iterator

import pytest

from lambdasim.study.forecast import forecast
from lambdasim.study.forecast.forecast import LEAST_SIMULATED


@pytest.fixture(scope="module", autouse=True)
def _few_paths() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forecast, "simulated_paths", lambda _events, _paths: LEAST_SIMULATED)
        yield
