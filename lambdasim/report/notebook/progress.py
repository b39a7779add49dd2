"""Progress of a study: a bar on a terminal, a widget in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@contextmanager
def progress_bar(unit: str = "run") -> Iterator[Callable[..., None]]:
    """Show how far a study is, within a ``with`` statement.

    Parameters
    ----------
    unit : str
        What is counted.

    Yields
    ------
    callable
        For the argument ``progress`` of a study, a forecast or replications. The bar is a widget in Jupyter, text on a
        terminal, and nothing elsewhere; it shows after a second, and is gone at the end.

    Examples
    --------
    >>> import lambdasim as ls
    >>> spec = ls.load_scenario("notebooks/scenarios/steady_api.yaml")
    >>> with progress_bar() as tell:
    ...     found = ls.replicate(spec, 2, progress=tell)
    """
    from tqdm.auto import tqdm

    where_people_look = False if "ipykernel" in sys.modules else None  # None: on a terminal alone
    with tqdm(total=0, unit=unit, delay=1, disable=where_people_look, leave=False) as shown:

        def tell(finished: int, planned: int | None = None) -> None:
            shown.total = planned
            shown.update(finished - shown.n)

        yield tell
