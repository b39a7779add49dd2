"""Property tests do not depend on the machine's speed, and files are written quickly where no picture is looked at."""

import base64

import pytest
from hypothesis import settings

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

_A_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)


@pytest.fixture
def unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write one pixel for each picture: they are plotted all the same, and rendering takes most of a folder's time."""
    monkeypatch.setattr("lambdasim.plots.style.Picture.png", lambda _picture: _A_PIXEL)
