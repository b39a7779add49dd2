"""How far to trust a forecast of traffic: the sampler on a history's own past, beside the last four weeks carried on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lambdasim.draws.keys import DrawKey, Quantity, uniform
from lambdasim.errors import InputError
from lambdasim.study.forecast.history import daily_histories
from lambdasim.study.forecast.levels import CARRIED_DAYS, WEEK, Floats
from lambdasim.study.forecast.sampler import LEAST_DAYS, daily_totals, sample_paths
from lambdasim.traffic.trace import Trace
from lambdasim.views import Result

if TYPE_CHECKING:
    import pandas as pd

QUANTILES: Final = (0.1, 0.5, 0.9)
TASKS: Final = ("month ahead", "mid-month")
FIRST_DAYS: Final = 56
_BASELINE_PATHS: Final = 1000


@dataclass(frozen=True)
class Block:
    """One month that was forecast from what came before it.

    Attributes
    ----------
    series, task : str
        ``month ahead`` from the day before, or ``mid-month`` with half of the month known.
    first_day : int
        Number of the month's first day in the history.
    actual : float
        The month's total [invocations].
    p10, p50, p90 : float
        Forecast of it; what was known is in it.
    carried_p10, carried_p50, carried_p90 : float
        The last 28 days carried forward: their mean, and the spread of whole weeks of them drawn at random.
    daily_mean : float
        Of the whole history, to compare series of different size [invocations].
    days : int
    """

    series: str
    task: str
    first_day: int
    actual: float
    p10: float
    p50: float
    p90: float
    carried_p10: float
    carried_p50: float
    carried_p90: float
    daily_mean: float
    days: int


class Score(NamedTuple):
    """How forecasts of one series and task did; see ``Backtest.summary``."""

    task: str
    series: str
    blocks: int
    coverage: float
    pinball: float
    against_carried: float
    against_point: float
    p50_error: float
    carried_error: float


@dataclass(frozen=True, repr=False)
class Backtest(Result):
    """Forecasts of the past beside what came.

    Attributes
    ----------
    blocks : tuple of Block
    """

    blocks: tuple[Block, ...]

    @classmethod
    def together(cls, results: Iterable[Backtest]) -> Backtest:
        """Pool several back-tests.

        Parameters
        ----------
        results : iterable of Backtest

        Returns
        -------
        Backtest
            With the blocks of all.
        """
        return cls(tuple(block for result in results for block in result.blocks))

    def frame(self) -> pd.DataFrame:
        """Return one row for each forecast; columns are the attributes of ``Block``."""
        import pandas as pd

        return pd.DataFrame([vars(block) for block in self.blocks], columns=list(Block.__annotations__))

    def summary(self) -> pd.DataFrame:
        """Return one row for each task and series, and one for all series of a task.

        Returns
        -------
        DataFrame
            ``task``, ``series``, ``blocks``; ``coverage``, the share of months between P10 and P90; ``pinball``, the mean
            pinball loss of P10, P50 and P90 in parts of the mean month; ``against_carried``, that over the loss of the
            last 28 days carried forward with the spread of their weeks; ``against_point``, over that of their mean alone;
            ``p50_error`` and ``carried_error``, the median absolute error of P50 and of the carried mean, in parts of the
            month's total.
        """
        import pandas as pd

        return pd.DataFrame(self._rows(), columns=list(Score._fields))

    def _rows(self) -> list[Score]:
        rows = []
        for task in TASKS:
            mine = [block for block in self.blocks if block.task == task]
            names = list(dict.fromkeys(block.series for block in mine))
            rows += [_score(task, name, [block for block in mine if block.series == name]) for name in names]
            if len(names) > 1:
                rows.append(_score(task, "all", mine))
        return rows

    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Return the forecasts and their scores by title."""
        return {"forecasts": self.frame(), "scores": self.summary()}

    def shown(self) -> Mapping[str, pd.DataFrame]:
        """Return the scores, with their shares named as such."""
        scores = self.summary().rename(columns=lambda name: name.replace("coverage", "coverage_share"))
        return {
            "scores": scores.rename(
                columns={"p50_error": "p50_error_share", "carried_error": "carried_error_share"}
            )
        }

    def text(self) -> str:
        """Say in at most 80 columns how far to trust forecasts of these histories."""
        lines = [
            f"{'':<34}{'P10-P90':>8}{'pinball against':>21}{'error of':>17}",
            f"{'task':<12}{'series':<16}{'months':>6}{'holds':>8}{'28 days':>12}{'their mean':>11}"
            f"{'P50':>6}{'28 days':>9}",
        ]
        for row in self._rows():
            lines.append(
                f"{row.task:<12}{_brief(row.series):<16}{row.blocks:>6}{row.coverage:>8.0%}"
                f"{row.against_carried:>12.2f}{row.against_point:>11.2f}{row.p50_error:>6.1%}"
                f"{row.carried_error:>9.1%}"
            )
        lines.append("28 days: carried forward with the spread of their weeks. 80% should hold.")
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Show the text view."""
        return self.text()


def backtest(
    history: Trace | ArrayLike,
    *,
    name: str = "history",
    days: int = 30,
    first: int = FIRST_DAYS,
    history_days: int | None = None,
    paths: int = 1000,
    seed: int = 0,
) -> Backtest:
    """Forecast months of the past, one after the other without overlap, each from what came before it.

    Parameters
    ----------
    history : Trace, or array of float, shape (n_days,)
        A trace of any reader, each function a series of its own; or daily totals [invocations].
    name : str
        What to call the series of an array.
    days : int
        Length of a month [days].
    first : int
        Days of history before the first month.
    history_days : int, optional
        Give the forecast no more than these last days, to see what a short history is worth.
    paths, seed : int
        See ``sample_paths``.

    Returns
    -------
    Backtest

    Raises
    ------
    InputError
        When the history is too short for one month after the first days.

    Examples
    --------
    >>> import lambdasim as ls
    >>> trace = ls.read_counts_csv("data/traffic/elb_request_count.csv", utc=True)
    >>> backtest(trace, days=4, first=8).summary()[["task", "blocks"]].values.tolist()
    [['month ahead', 1], ['mid-month', 1]]
    """
    numbers: dict[str, object] = {"days": days, "first": first, "history_days": history_days or LEAST_DAYS}
    for argument, value in numbers.items():
        if not isinstance(value, int):
            raise InputError.single(
                "backtest", argument, f"must be a whole number of days, got {value!r:.40}"
            )
    if days < 2:
        raise InputError.single("backtest", "days", f"must be at least 2, got {days}")
    if first < LEAST_DAYS or (history_days or LEAST_DAYS) < LEAST_DAYS:
        least = min(first, history_days or first)
        raise InputError.single("backtest", "first", f"must be at least {LEAST_DAYS} days, got {least}")
    if isinstance(history, Trace):
        series = {function: past.totals for function, past in daily_histories(history).items()}
    else:
        series = {name: daily_totals("backtest", history)}
    blocks: list[Block] = []
    for title, totals in series.items():
        if totals.ndim != 1:
            raise InputError.single(
                "backtest", "history", f"must be one row of daily totals, got {history!r:.40}"
            )
        if len(totals) < first + days:
            found = f"must have {first + days} days for one month of {days} after {first}, got {len(totals)}"
            raise InputError.single("backtest", title, found)
        blocks += _blocks(title, totals, days, first, history_days, paths, seed)
    return Backtest(tuple(blocks))


def carried_forward(history: Floats, days: int) -> Floats:
    """Carry the last 28 days forward: P10, P50 and P90 of the total of so many days, shape (3,).

    Notes
    -----
    P50 is the mean of the last 28 days times the number of days. The others are quantiles of sums of whole weeks,
    drawn at random from the last four.
    """
    last = history[-CARRIED_DAYS:]
    weeks = np.lib.stride_tricks.sliding_window_view(last, min(WEEK, len(last)))[::-1][::WEEK]
    n = -(-days // WEEK)
    index = np.arange(_BASELINE_PATHS * n)
    bits = DrawKey.of(0, "carried", Quantity.FORECAST_NOISE).bits(index)
    drawn = weeks[(uniform(bits) * len(weeks)).astype(np.int64)]
    sums = drawn.reshape(_BASELINE_PATHS, -1)[:, :days].sum(axis=1)
    low, _, high = np.quantile(sums, QUANTILES)
    return np.array([low, last.mean() * days, high])


def pinball(quantiles: Floats, actual: Floats) -> Floats:
    """Give the mean pinball loss of P10, P50 and P90, shape (n,).

    Parameters
    ----------
    quantiles : ndarray of float64, shape (n, 3)
    actual : ndarray of float64, shape (n,)
    """
    missed = actual[:, None] - quantiles
    q = np.array(QUANTILES)
    loss: Floats = np.maximum(q * missed, (q - 1) * missed).mean(axis=1)
    return loss


def _blocks(
    title: str, totals: Floats, days: int, first: int, history_days: int | None, paths: int, seed: int
) -> Iterator[Block]:
    mean = float(totals.mean())
    for begin in range(first, len(totals) - days + 1, days):
        month = totals[begin : begin + days]
        for task, known_days in zip(TASKS, (0, days // 2), strict=True):
            past = totals[: begin + known_days]
            past = past[-history_days:] if history_days else past
            known = float(month[:known_days].sum())
            rest = days - known_days
            sums = sample_paths(past, rest, paths=paths, seed=seed).totals.sum(axis=1)
            p10, p50, p90 = (known + np.quantile(sums, QUANTILES)).tolist()
            low, middle, high = (known + carried_forward(past, rest)).tolist()
            yield Block(title, task, begin, float(month.sum()), p10, p50, p90, low, middle, high, mean, days)


def _score(task: str, series: str, blocks: list[Block]) -> Score:
    """Score forecasts; see ``Backtest.summary``."""
    actual = np.array([block.actual for block in blocks])
    ours = np.array([(block.p10, block.p50, block.p90) for block in blocks])
    carried = np.array([(block.carried_p10, block.carried_p50, block.carried_p90) for block in blocks])
    size = np.maximum([block.daily_mean * block.days for block in blocks], 1e-12)
    total = np.maximum(actual, 1e-12)
    loss = float((pinball(ours, actual) / size).mean())
    point = np.repeat(carried[:, 1:2], 3, axis=1)
    return Score(
        task=task,
        series=series,
        blocks=len(blocks),
        coverage=float(((ours[:, 0] <= actual) & (actual <= ours[:, 2])).mean()),
        pinball=loss,
        against_carried=_ratio(loss, float((pinball(carried, actual) / size).mean())),
        against_point=_ratio(loss, float((pinball(point, actual) / size).mean())),
        p50_error=float(np.median(np.abs(ours[:, 1] - actual) / total)),
        carried_error=float(np.median(np.abs(carried[:, 1] - actual) / total)),
    )


def _brief(series: str) -> str:
    """Shorten a name to its beginning and its end."""
    return series if len(series) <= 15 else f"{series[:10]}…{series[-4:]}"


def _ratio(a: float, b: float) -> float:
    return a / b if b else float("nan")
