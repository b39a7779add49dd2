"""Property tests try the same examples on every machine; pictures are rendered only where they are looked at."""

import base64
import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("same everywhere", deadline=None, derandomize=True)
settings.register_profile("new examples", deadline=None, print_blob=True)
settings.load_profile("same everywhere")

_A_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over the tests themselves, and come less often: a twentieth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(scope="session")
def _png() -> Callable[[Any], bytes]:
    from lambdasim.plots.style import Picture

    return Picture.png


@pytest.fixture(scope="module", autouse=True)
def _unrendered(request: pytest.FixtureRequest, _png: Callable[[Any], bytes]) -> Iterator[None]:
    """Write one pixel for each picture: they are plotted all the same, and rendering takes most of a folder's time.

    Modules marked ``rendered`` make real ones, and so do tests that ask for the fixture of that name: one for each plot.
    """
    with pytest.MonkeyPatch.context() as patch:
        if request.node.get_closest_marker("rendered") is None:
            patch.setattr("lambdasim.plots.style.Picture.png", lambda _picture: _A_PIXEL)
        yield


@pytest.fixture
def rendered(_png: Callable[[Any], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make real pictures."""
    monkeypatch.setattr("lambdasim.plots.style.Picture.png", _png)
