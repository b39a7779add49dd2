"""A simulated account beside what CloudWatch counted of it: each measure with its difference, and what is least known."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lambdasim.billing.distribution import all_needed
from lambdasim.catalog import PriceSheet, billing_rules, price_sheet
from lambdasim.engine.contract import Outcome
from lambdasim.errors import TemplateError
from lambdasim.outputs import noted_input
from lambdasim.results.failures import RUN_FAILURES, failure_counts
from lambdasim.results.run import RunResult
from lambdasim.specs.function import FunctionSpec
from lambdasim.templates.writing.scenario_writer import COUNTED, COUNTED_FORM
from lambdasim.units import US_PER_S, to_epoch_us
from lambdasim.views import Result
from lambdasim.wording import NONE, clipped, count, money, number, percent, wrapped

if TYPE_CHECKING:
    import pandas as pd

MOST_SHOWN: Final = 10
"""Functions that a reader is shown: those that cost most."""
_MOST_BYTES: Final = 64_000_000
_CEILING_MS: Final = 0.5
"""What rounding up to whole ms adds to a run on average [ms]; CloudWatch's durations are before it."""
_MB_MS_PER_GB_S: Final = 1024 * 1000
_NOTABLE: Final = 0.05
_MEASURES: Final = ("invocations", "errors", "throttles", "gb_seconds", "peak_concurrency", "usd")
_WORDS: Final = {
    "invocations": "invocations", "errors": "errors and timeouts", "throttles": "throttles",
    "gb_seconds": "GB-s without INIT", "peak_concurrency": "peak concurrency", "usd": "cost of these, list rates",
}  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Beside(Result):
    """A run beside what was counted.

    Attributes
    ----------
    run : RunResult
    counted : dict
        As ``counted.json`` has it.
    """

    run: RunResult
    counted: dict[str, Any]

    def frame(self) -> pd.DataFrame:
        """Return one row for each function and measure.

        Returns
        -------
        DataFrame
            ``function``, ``measure`` (``invocations``, ``errors`` with timeouts and crashes, ``throttles``,
            ``gb_seconds`` of durations rounded up, without INIT, ``peak_concurrency``, ``usd`` of requests and those
            GB-s at first-tier list rates), ``counted``, missing where nobody exported it, ``simulated``, and
            ``difference``, simulated over counted less 1.
        """
        import pandas as pd

        rows = []
        for name in self.run.aggregate.names:
            counted, simulated = self._counted(name), self._simulated(name)
            rows += [
                {"function": name, "measure": measure, "counted": counted.get(measure, math.nan),
                 "simulated": simulated[measure], "difference": _difference(counted.get(measure), simulated[measure])}
                for measure in _MEASURES
            ]  # fmt: skip
        return pd.DataFrame(rows)

    def account(self) -> pd.DataFrame:
        """Return the account's row of each measure, over the functions that were counted.

        Returns
        -------
        DataFrame
            Columns of ``frame`` but ``function``. Peak concurrency is the account's own metric, where it was exported.
        """
        import pandas as pd

        table = self.frame()
        rows = []
        for measure in _MEASURES:
            part = table[(table["measure"] == measure) & table["counted"].notna()]
            counted: float | None = float(part["counted"].sum()) if len(part) else None
            simulated = float(part["simulated"].sum())
            if measure == "peak_concurrency":
                known = self.counted.get("account", {}).get("peak_concurrency")
                counted, simulated = known, float(self.run.aggregate.account.peak)
            if counted is not None:
                rows.append(
                    {"measure": measure, "counted": counted, "simulated": simulated,
                     "difference": _difference(counted, simulated)}
                )  # fmt: skip
        return pd.DataFrame(rows, columns=["measure", "counted", "simulated", "difference"])

    def functions(self, most: int = MOST_SHOWN) -> pd.DataFrame:
        """Return the functions that matter most, and what is least known of each.

        Parameters
        ----------
        most : int
            How many.

        Returns
        -------
        DataFrame
            By falling cost, INIT included: ``function``, ``usd``, ``usd_share`` of the account,
            ``invocations_difference``, ``gb_seconds_difference``, ``least_known`` in words.
        """
        import pandas as pd

        table = self.frame().pivot_table(
            index="function", columns="measure", values="difference", dropna=False
        )
        costs = {name: self._simulated(name)["usd_with_init"] for name in self.run.aggregate.names}
        total = math.fsum(costs.values())
        rows = [
            {
                "function": name, "usd": costs[name], "usd_share": costs[name] / total if total else math.nan,
                "invocations_difference": table["invocations"].get(name, math.nan),
                "gb_seconds_difference": table["gb_seconds"].get(name, math.nan), "least_known": self._least_known(name),
            }
            for name in sorted(costs, key=lambda one: (-costs[one], one))[:most]
            if costs[name] > 0 or not total
        ]  # fmt: skip
        columns = [
            "function",
            "usd",
            "usd_share",
            "invocations_difference",
            "gb_seconds_difference",
            "least_known",
        ]
        return pd.DataFrame(rows, columns=columns)

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return the account, the functions that matter most, and every measure of every function."""
        return {"account": self.account(), "functions": self.functions(), "measures": self.frame()}

    def shown(self) -> dict[str, pd.DataFrame]:
        """Return the account and the functions that matter most, as people read them."""
        import pandas as pd

        rows = [
            {"measure": _WORDS[row["measure"]], "counted": written(row["measure"], row["counted"]),
             "simulated": written(row["measure"], row["simulated"]), "difference": signed(row["difference"])}
            for row in self.account().to_dict("records")
        ]  # fmt: skip
        top = self.functions()
        functions = pd.DataFrame(
            {
                "function": top["function"], "cost": [money(usd) for usd in top["usd"]],
                "of all": [percent(share, 1) for share in top["usd_share"]],
                "invocations": [signed(one) for one in top["invocations_difference"]],
                "GB-s": [signed(one) for one in top["gb_seconds_difference"]], "least known": top["least_known"],
            }
        )  # fmt: skip
        return {
            "beside what CloudWatch counted": pd.DataFrame(
                rows, columns=["measure", "counted", "simulated", "difference"]
            ),
            "functions that matter most": functions,
        }

    def notes(self) -> tuple[str, ...]:
        """Say what the figures are, and what was paid where Cost Explorer says."""
        said = [
            "GB-s are of durations rounded up to whole milliseconds; CloudWatch's Duration leaves INIT out and is not "
            "rounded, so half a millisecond a run is added to it. The bill has INIT too."
        ]
        missing = len(self.run.aggregate.names) - len(self._asked())
        if missing:
            said.append(f"{count(missing, 'function')} were not counted and are left out of the sums.")
        paid = self.paid_usd()
        if paid is not None:
            simulated = self.run.charges(free_tier=False).total
            apart = signed(_difference(paid, float(simulated)))
            told = f"Cost Explorer has {money(paid)} for Lambda in this time"
            said.append(f"{told}; the run costs {money(simulated)} without free tier ({apart}).")
        return tuple(said)

    def paid_usd(self) -> float | None:
        """Return what Cost Explorer has for days inside the scenario's time [USD]; None where nothing was exported."""
        lines = self.counted.get("costs") or []
        start = self.run.scenario.start.date().isoformat()
        end_us = to_epoch_us(self.run.scenario.start) + self.run.scenario.duration_us
        end = datetime.fromtimestamp(end_us / US_PER_S, UTC).date().isoformat()
        inside = [one for one in lines if start <= str(one.get("start")) and str(one.get("end")) <= end]
        try:
            return math.fsum(float(one["usd"]) for one in inside) if inside else None
        except (KeyError, TypeError, ValueError):
            return None

    def text(self) -> str:
        """Write both tables in 80 columns."""
        first, second = self.shown().values()
        lines = ["beside what CloudWatch counted"]
        lines += _columns([list(first.columns), *first.to_numpy().tolist()], left=(0,))
        lines += ["", "functions that matter most, differences from what was counted"]
        short = second.drop(columns="least known")
        short["function"] = [clipped(name, 36) for name in short["function"]]
        lines += _columns([list(short.columns), *short.to_numpy().tolist()], left=(0,))
        lines += ["", "least known"]
        alike: dict[str, list[str]] = {}
        for name, known in zip(second["function"], second["least known"], strict=True):
            alike.setdefault(known, []).append(clipped(name, 40))
        lines += [wrapped(f"{', '.join(names)}: {known}", "  ", "    ") for known, names in alike.items()]
        lines += ["", *(wrapped(f"note: {one}") for one in self.notes())]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Say how far the run is from what was counted."""
        apart = {row["measure"]: row["difference"] for row in self.account().to_dict("records")}
        said = [
            f"{_WORDS[name]} {signed(apart[name])}"
            for name in ("invocations", "gb_seconds", "errors", "throttles")
            if name in apart
        ]
        return f"{self.run.scenario.name}: from what CloudWatch counted, {', '.join(said) or 'nothing'}."

    def _asked(self) -> dict[str, Any]:
        functions = self.counted.get("functions")
        return functions if isinstance(functions, dict) else {}

    def _counted(self, name: str) -> dict[str, float]:
        """Return the measures of a function as they were counted, those that are known."""
        said = self._asked().get(name)
        row = said if isinstance(said, dict) else {}
        spec = self._specs[name]
        found = {
            key: float(row[key])
            for key in ("invocations", "errors", "throttles", "peak_concurrency")
            if isinstance(row.get(key), int | float)
        }
        if "invocations" in found and isinstance(row.get("duration_ms"), int | float):
            billed_ms = row["duration_ms"] + _CEILING_MS * found["invocations"]
            found["gb_seconds"] = billed_ms * spec.memory_mb / _MB_MS_PER_GB_S
            found["usd"] = self._usd(spec, found["invocations"], found["gb_seconds"])
        return found

    def _simulated(self, name: str) -> dict[str, float]:
        return self._all_simulated[name]

    @cached_property
    def _all_simulated(self) -> dict[str, dict[str, float]]:
        """Return every measure of every function as it was simulated, and ``usd_with_init``."""
        rules = billing_rules(self.run.scenario.billing_day)
        found = {}
        for name, totals in zip(self.run.aggregate.names, self.run.aggregate.functions, strict=True):
            spec = self._specs[name]
            usage = list(totals.usage.values())
            provisioned_ms = sum(one.provisioned_billed_ms for one in usage)
            plain_ms = sum(one.billed_ms_without_init for one in usage) + provisioned_ms
            billed = rules.init_is_billed(spec.package_type.value, spec.runtime, spec.snap_start is not None)
            full_ms = sum(one.billed_ms_with_init for one in usage) + provisioned_ms if billed else plain_ms
            gb_seconds, full = (ms * spec.memory_mb / _MB_MS_PER_GB_S for ms in (plain_ms, full_ms))
            failures = failure_counts(totals)
            found[name] = {
                "invocations": float(totals.runs),
                "errors": float(sum(failures[kind] for kind in RUN_FAILURES)),
                "throttles": float(totals.outcomes[Outcome.THROTTLED]),
                "gb_seconds": gb_seconds,
                "peak_concurrency": float(totals.concurrency.peak),
                "usd": self._usd(spec, totals.runs, gb_seconds),
                "usd_with_init": self._usd(spec, totals.runs, full),
            }
        return found

    @cached_property
    def _specs(self) -> dict[str, FunctionSpec]:
        return {spec.name: spec for spec in self.run.scenario.functions}

    @cached_property
    def _sheet(self) -> PriceSheet:
        return price_sheet(self.run.scenario.region, self.run.scenario.billing_day)

    def _usd(self, spec: FunctionSpec, requests: float, gb_seconds: float) -> float:
        """Price requests and GB-s at first-tier list rates [USD]."""
        rates = self._sheet.rates(spec.architecture.value)
        usd = all_needed({"request": rates.request, "duration": rates.tiers[0].rate}, self._sheet)
        return float(usd["request"]) * requests + float(usd["duration"]) * gb_seconds

    def _least_known(self, name: str) -> str:
        """Say what of a function's figures rests on least."""
        spec, row = self._specs[name], self._asked().get(name) or {}
        if "invocations" not in row:
            return "its traffic: no metrics of it were exported"
        if "duration_ms" not in row:
            return "its durations: no Duration was exported"
        if not row["invocations"]:
            return "nothing: it was not invoked"
        usd = self._simulated(name)["usd_with_init"]
        init = 1 - self._simulated(name)["usd"] / usd if usd else 0.0
        if init > _NOTABLE and "cold_share" not in row:
            return f"its INIT, above {percent(_NOTABLE)} of its cost and the catalog's: logs would show it"
        for key in ("invocations", "gb_seconds", "throttles", "errors"):
            counted, simulated = self._counted(name).get(key), self._simulated(name)[key]
            if counted is None:
                continue
            # What fails or is refused is held against all invocations.
            of = row["invocations"] if key in ("throttles", "errors") else counted
            if abs(simulated - counted) > _NOTABLE * of and abs(simulated - counted) > 1:
                return f"why {_WORDS[key]} differ: {number(counted)} counted, {number(simulated)} simulated"
        if spec.trigger.queue is not None or spec.trigger.stream is not None:
            polled = spec.trigger.queue or spec.trigger.stream
            if polled is not None and polled.batch_size == 1:
                return "how messages gather into batches, which matters to other settings of the queue alone"
        if spec.work.plausible:
            return "CPU time against waiting, which matters to another memory size alone: Lambda Insights would show it"
        return "the moments inside a period, which decide peaks and throttles"


def _difference(counted: float | None, simulated: float) -> float:
    if counted is None or math.isnan(counted):
        return math.nan
    if counted == 0:
        return 0.0 if simulated == 0 else math.inf
    return simulated / counted - 1


def signed(share: float) -> str:
    """Write a difference with its sign, in per cent; from nothing to something is no share.

    Examples
    --------
    >>> signed(0.0123), signed(-0.5), signed(0.0), signed(float("nan")), signed(float("inf"))
    ('+1.2%', '-50.0%', '0.0%', '–', 'new')
    """
    if math.isnan(share):
        return NONE
    if math.isinf(share):
        return "new"
    shown = f"{100 * share:+.1f}%"
    return "0.0%" if shown in ("+0.0%", "-0.0%") else shown


def written(measure: str, value: float) -> str:
    """Write a value of a measure."""
    return money(value) if measure == "usd" else count(value)


def _columns(rows: list[list[Any]], left: tuple[int, ...]) -> list[str]:
    widths = [max(len(str(row[place])) for row in rows) for place in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(
            f"{row[place]!s:<{widths[place]}}" if place in left else f"{row[place]!s:>{widths[place]}}"
            for place in range(len(row))
        ).rstrip()
        for row in rows
    ]


def counted_beside(folder: Path) -> dict[str, Any] | None:
    """Return what an import wrote of CloudWatch's counts beside a scenario; None where it wrote none.

    Parameters
    ----------
    folder : Path
        Of the scenario.

    Raises
    ------
    TemplateError
        Where the file is there and is none of ours.
    """
    path = folder / COUNTED
    try:
        if not path.is_file():
            return None
        noted_input(path)
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        data = json.loads(content) if len(content) <= _MOST_BYTES else None
    except OSError as error:
        raise TemplateError.single(str(path), "", f"cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        data = None
    if (
        not isinstance(data, dict)
        or data.get("form") != COUNTED_FORM
        or not isinstance(data.get("functions"), dict)
    ):
        told = "is not what lambdasim import wrote of CloudWatch's counts; remove it, or import again"
        raise TemplateError.single(str(path), "", told)
    return data


def beside_cloudwatch(run: RunResult) -> Beside:
    """Hold the run of an imported account beside what CloudWatch counted, from the folder of its scenario.

    Parameters
    ----------
    run : RunResult
        Of a scenario that was loaded from the folder that ``write_import`` wrote.

    Returns
    -------
    Beside

    Raises
    ------
    TemplateError
        Where nothing was counted, or of another time than the scenario's.
    """
    counted = counted_beside(run.scenario.base_dir)
    held = (
        f"there is no {COUNTED} of an import beside the scenario" if counted is None else beside(run, counted)
    )
    if isinstance(held, str):
        raise TemplateError.single(run.scenario.name, "", held)
    return held


def beside(run: RunResult, counted: dict[str, Any]) -> Beside | str:
    """Hold a run beside what was counted.

    Parameters
    ----------
    run : RunResult
    counted : dict
        See ``counted_beside``.

    Returns
    -------
    Beside or str
        Why not, in a sentence, where the scenario is of another time than the counts.
    """
    window = counted.get("window")
    start = to_epoch_us(run.scenario.start)
    own = [start // US_PER_S, (start + run.scenario.duration_us) // US_PER_S]
    if window is not None and list(window) != own:
        return "not held beside CloudWatch's counts: the scenario's start or duration is no longer theirs"
    return Beside(run, counted)
