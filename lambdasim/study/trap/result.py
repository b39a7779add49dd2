"""A good run beside a bad one: the bill of an hour, what became of the events, and which alarm could have fired first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Final

from lambdasim.billing import Bill
from lambdasim.engine.contract import Limit, Outcome
from lambdasim.results.failures import RUN_FAILURES, lost_events
from lambdasim.results.run import RunResult
from lambdasim.study.targets import time_text
from lambdasim.study.trap.alarms import UTILIZATION, Alarm, alarms
from lambdasim.units import US_PER_HOUR, US_PER_MINUTE, US_PER_S, format_duration, from_epoch_us, to_epoch_us
from lambdasim.views import Result
from lambdasim.wording import clipped, count, money, percent, wrapped

if TYPE_CHECKING:
    import pandas as pd

_MOST_ALARMS: Final = 8
TOGETHER: Final = "together"
"""The last line of a bill of an hour."""


@dataclass(frozen=True, eq=False, repr=False)
class Trap(Result):
    """A good run and a bad one of the same traffic.

    Attributes
    ----------
    good, bad : RunResult
    """

    good: RunResult
    bad: RunResult

    @property
    def hours(self) -> float:
        """Length of the scenarios [h]."""
        return self.bad.scenario.duration_us / US_PER_HOUR

    def hour_usd(self, run: RunResult) -> float:
        """Give what an hour of a run costs, with all that follows from it, without free tier.

        Parameters
        ----------
        run : RunResult
            The good one or the bad one.

        Returns
        -------
        float
            [USD].
        """
        return float(run.charges(free_tier=False).total) / self.hours

    @cached_property
    def alarms(self) -> list[Alarm]:
        """Alarms that are quiet in the good run, the first to fire in the bad one first."""
        return alarms(self.good, self.bad)

    @cached_property
    def bill(self) -> pd.DataFrame:
        """One row for each line of the bills: ``line``, ``good_usd``, ``bad_usd`` and ``difference_usd`` of an hour.

        Returns
        -------
        DataFrame
            Without free tier; the last row is their sum. What happens after the scenario's end because of what was sent
            before is part of it, shared among the scenario's hours.
        """
        import pandas as pd

        lines = [_by_line(run.charges(free_tier=False)) for run in (self.good, self.bad)]
        names = list(dict.fromkeys(name for found in lines for name in found))
        rows = []
        for name in [*names, TOGETHER]:
            good, bad = (
                float(sum(found.values()) if name == TOGETHER else found.get(name, Decimal(0))) / self.hours
                for found in lines
            )
            rows.append((name, good, bad, bad - good))
        return pd.DataFrame(rows, columns=["line", "good_usd", "bad_usd", "difference_usd"])

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """One row for each function and run: what became of its events.

        Returns
        -------
        DataFrame
            ``function``, ``run`` (good or bad), ``events``, ``runs``, ``lost``, ``lost_share``, ``refused`` attempts,
            ``errors`` (timeouts and crashes too),
            ``p99_ms`` and, of queues and streams, ``dead_lettered``, ``oldest_s``.
        """
        import pandas as pd

        rows = []
        for title, run in (("good", self.good), ("bad", self.bad)):
            sources = {row["function"]: row for row in run.sources().to_dict("records")}
            for name, totals in zip(run.aggregate.names, run.aggregate.functions, strict=True):
                # What loop detection stops is what it is there for.
                lost = lost_events(totals) - int(totals.limits[Limit.LOOP])
                source = sources.get(name, {"dead_lettered": 0, "oldest_s": float("nan")})
                rows.append(
                    {
                        "function": name,
                        "run": title,
                        "events": totals.events,
                        "runs": totals.runs,
                        "lost": lost,
                        "lost_share": lost / totals.events if totals.events else float("nan"),
                        "refused": int(totals.outcomes[Outcome.THROTTLED]),
                        "errors": sum(int(totals.outcomes[kind]) for kind in RUN_FAILURES.values()),
                        "p99_ms": totals.all_latency_ms().quantile(0.99),
                        "dead_lettered": int(source["dead_lettered"]),
                        "oldest_s": float(source["oldest_s"]),
                    }
                )
        table = pd.DataFrame(rows)
        return table.sort_values(
            ["function", "run"], ascending=[True, False], kind="stable", ignore_index=True
        )

    def alarms_frame(self) -> pd.DataFrame:
        """Return one row for each alarm that could have fired, the first to fire first.

        Returns
        -------
        DataFrame
            ``alarm``, ``function``, ``good_most``, ``value``, ``minute`` and ``at``: ``minute`` counts from 1, the minute
            at whose end the alarm fires; ``at`` is that moment, UTC.
        """
        import pandas as pd

        rows = [
            (one.condition, one.function, one.good_most, one.value, one.minute + 1, self.at(one))
            for one in self.alarms
        ]
        return pd.DataFrame(rows, columns=["alarm", "function", "good_most", "value", "minute", "at"])

    def at(self, alarm: Alarm) -> str:
        """Give when an alarm fires.

        Parameters
        ----------
        alarm : Alarm

        Returns
        -------
        str
            ISO 8601 in UTC.
        """
        ends_us = to_epoch_us(self.bad.scenario.start) + (alarm.minute + 1) * US_PER_MINUTE
        return from_epoch_us(ends_us).isoformat().replace("+00:00", "Z")

    def frame(self) -> pd.DataFrame:
        """Return ``bill``."""
        return self.bill

    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Return the bills of an hour, alarms, and what became of events."""
        return {
            "bill of an hour": self.bill,
            "alarms": self.alarms_frame(),
            "what became of events": self.outcomes,
        }

    def sentences(self) -> list[str]:
        """Sum it up, a thought in each sentence."""
        good, bad = self.hour_usd(self.good), self.hour_usd(self.bad)
        times = f", {bad / good:,.1f} times as much" if good and bad > 1.05 * good else ""
        told = [
            f"{self.bad.scenario.name}: an hour costs {money(bad)} where a good one costs {money(good)}"
            f"{times or '; the harm is not on the bill'}."
        ]
        if times and self.hours > 1:
            length = format_duration(self.bad.scenario.duration_us)
            totals = [money(float(run.charges(free_tier=False).total)) for run in (self.bad, self.good)]
            told.append(f"In {length} that is {totals[0]} instead of {totals[1]}.")
        told += [
            f"{spec.name} has provisioned concurrency that its traffic does not reach: paid for, and used by no run."
            for spec in self.bad.scenario.functions
            if not spec.calls_provisioned
        ]
        for name in self.bad.aggregate.names:
            told += self._harm(name)
        if not self.alarms:
            told.append("No alarm on a metric by the minute could have fired.")
        else:
            told.append(self._first_alarm(self.alarms[0]))
        return told

    def caveats(self) -> list[str]:
        """Say where the bill of an hour is no hour's that was simulated.

        Returns
        -------
        list of str
        """
        if self.hours >= 1:
            return []
        length = format_duration(self.bad.scenario.duration_us)
        return [
            f"The scenario lasts {length}, and an hour is reckoned in proportion: what is still growing then costs more."
        ]

    def _first_alarm(self, first: Alarm) -> str:
        """Say which alarm could have fired, and when."""
        after = time_text((first.minute + 1) * US_PER_MINUTE)
        usual = "" if first.metric == UTILIZATION else ", which a good run never reaches"
        return f"An alarm could have fired after {after}: {first.condition} of {first.function}{usual}."

    def _harm(self, name: str) -> list[str]:
        """Say what a function's events suffer more than in the good run."""
        rows = {row["run"]: row for row in self.outcomes.to_dict("records") if row["function"] == name}
        if "good" not in rows:
            return []
        good, bad = rows["good"], rows["bad"]
        told = []
        if bad["lost"] > good["lost"]:
            dead = (
                f", {count(bad['dead_lettered'])} of them to the dead-letter queue"
                if bad["dead_lettered"]
                else ""
            )
            told.append(
                f"{name} loses {count(bad['lost'])} of {count(bad['events'], 'event')} "
                f"({percent(bad['lost_share'], 1)}){dead}; in the good run {count(good['lost'])}."
            )
        if bad["runs"] > 1.2 * good["runs"]:
            told.append(f"{name} runs {count(bad['runs'])} times instead of {count(good['runs'])}.")
        if bad["refused"] > good["refused"]:
            told.append(
                f"{count(bad['refused'], 'attempt')} of {name} {'is' if bad['refused'] == 1 else 'are'} refused; "
                f"in the good run {count(good['refused'])}."
            )
        if bad["oldest_s"] > 1.2 * good["oldest_s"] + 1:
            told.append(
                f"The oldest message of {name} is {_time(bad['oldest_s'])} old when it ends; "
                f"in the good run {_time(good['oldest_s'])}."
            )
        return told

    def text(self) -> str:
        """Write it for a terminal of 80 columns."""
        lines = [wrapped(" ".join([*self.sentences(), *self.caveats()])), ""]
        lines.append(f"{'USD an hour, all that follows from it included':<48} {'good':>9} {'bad':>9}")
        for row in self.bill.to_dict("records"):
            lines.append(
                f"{clipped(row['line'], 48):<48} {_usd(row['good_usd']):>9} {_usd(row['bad_usd']):>9}"
            )
        if self.alarms:
            lines += ["", f"{'minute':>7}  an alarm could have fired"]
            for one in self.alarms[:_MOST_ALARMS]:
                lines.append(f"{one.minute + 1:>7,}  {clipped(f'{one.function}: {one.condition}', 70)}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Say what it costs, and when an alarm could have fired."""
        return wrapped(" ".join(self.sentences()))


def _by_line(bill: Bill) -> dict[str, Decimal]:
    lines: dict[str, Decimal] = {}
    for item in bill.items:
        lines[item.description] = lines.get(item.description, Decimal(0)) + item.amount
    return lines


def _usd(amount: float) -> str:
    return f"{amount:,.5f}" if amount < 1 else f"{amount:,.2f}"


def _time(seconds: float) -> str:
    return time_text(seconds * US_PER_S)
