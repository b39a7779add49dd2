"""Settings that do not fit what a run shows: one list, with names of rules that a CI can filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from lambdasim.billing import price
from lambdasim.catalog import limit, timing
from lambdasim.draws.keys import Stream
from lambdasim.draws.laws import Constant
from lambdasim.engine.aggregate import FunctionTotals
from lambdasim.engine.contract import NEVER, EventOutcome, FunctionPlan, Outcome, StartType
from lambdasim.engine.plan import FunctionDraws
from lambdasim.results.run import RunResult
from lambdasim.specs.function import Architecture, FunctionSpec
from lambdasim.specs.trigger import OnFailure
from lambdasim.study.limit_table import memory_need_mb
from lambdasim.study.measures import month_factor, monthly_usage, usd_per_ms
from lambdasim.units import US_PER_MS

if TYPE_CHECKING:
    import pandas as pd

_FAR: Final = 10
_NEAR: Final = 0.9
_HUNG: Final = 0.001
_SAMPLED: Final = 100_000


class Finding(NamedTuple):
    """One setting to look at.

    Attributes
    ----------
    rule : str
        Name for filters.
    function : str
    evidence : str
        What the run or the settings show.
    usd_per_month : float
        What it costs, or what the change would save; 0 where nothing can be told [USD].
    change : str
        What to do.
    """

    rule: str
    function: str
    evidence: str
    usd_per_month: float
    change: str


def findings(run: RunResult) -> pd.DataFrame:
    """Check every function's settings against what the run shows.

    Returns
    -------
    DataFrame
        Columns are the fields of ``Finding``; the dearest first.
    """
    import pandas as pd

    specs = {spec.name: spec for spec in run.scenario.functions}
    found: list[Finding] = []
    for plan, totals in zip(run.plan.functions, run.aggregate.functions, strict=True):
        case = _Case(run, specs[plan.name], plan, totals)
        for check in (_timeouts, _memory, _gateway, _architecture, _failures, _sizes, _init):
            found += check(case)
    found.sort(key=lambda finding: (-finding.usd_per_month, finding.rule, finding.function))
    return pd.DataFrame(found, columns=list(Finding._fields))


class _Case(NamedTuple):
    """A function's settings and how it did."""

    run: RunResult
    spec: FunctionSpec
    plan: FunctionPlan
    totals: FunctionTotals

    @property
    def runs(self) -> int:
        """Attempts that started."""
        return int(self.totals.starts.sum() - self.totals.starts[StartType.NONE])

    def usd(self, ms: float) -> float:
        """Price so many billed ms of the run, as if it went on for a month [USD]."""
        scenario = self.run.scenario
        rate = usd_per_ms(self.spec, scenario.region, scenario.price_date or scenario.start.date())
        return float(rate) * ms * float(month_factor(scenario.duration_us))

    def finding(self, rule: str, evidence: str, usd: float, change: str) -> Finding:
        """Make a finding of this function."""
        return Finding(rule, self.spec.name, evidence, usd, change)


def _timeouts(case: _Case) -> Iterator[Finding]:
    timeout_ms = case.spec.timeout_us / US_PER_MS
    cut = int(case.totals.outcomes[Outcome.TIMEOUT])
    slow = case.totals.duration_ms.quantile(0.999)
    if cut:
        yield case.finding(
            "timeout-too-short",
            f"{cut:,} of {case.runs:,} runs are cut at {timeout_ms:,.0f} ms",
            case.usd(cut * timeout_ms),
            "raise timeout, or shorten the work",
        )
    elif case.runs and timeout_ms > _FAR * slow:
        hung = case.usd(_HUNG * case.runs * timeout_ms)
        yield case.finding(
            "timeout-far-above-p99.9",
            f"timeout {timeout_ms:,.0f} ms, p99.9 of the duration {slow:,.0f} ms; one run in a thousand that hangs "
            f"would cost ${hung:,.2f} a month",
            0.0,
            f"lower timeout, to some {2 * slow:,.0f} ms",
        )


def _memory(case: _Case) -> Iterator[Finding]:
    draws = case.plan.draws
    failed = int(case.totals.outcomes[Outcome.OUT_OF_MEMORY])
    if failed:
        yield case.finding(
            "memory-below-need",
            f"{failed:,} of {case.runs:,} runs end for want of memory at {case.spec.memory_mb:,} MB",
            case.usd(failed * case.totals.duration_ms.mean()),
            "raise memory_mb",
        )
    elif isinstance(draws, FunctionDraws) and draws.laws[Stream.MEMORY] != Constant(0) and case.totals.events:
        need = memory_need_mb(draws, np.arange(min(case.totals.events, _SAMPLED)))
        most = float(np.quantile(need, 0.999, method="inverted_cdf"))
        if most > _NEAR * case.spec.memory_mb:
            yield case.finding(
                "memory-near-need",
                f"p99.9 of the memory used is {most:,.0f} of {case.spec.memory_mb:,} MB",
                0.0,
                "raise memory_mb",
            )


def _gateway(case: _Case) -> Iterator[Finding]:
    cut_us = case.plan.retry.client_timeout_us
    if cut_us == NEVER or cut_us >= case.spec.timeout_us:
        return
    gone = int(case.totals.event_outcomes[EventOutcome.CLIENT_TIMEOUT])
    yield case.finding(
        "gateway-cut-below-timeout",
        f"the gateway answers 504 after {cut_us / US_PER_MS:,.0f} ms, the function may go on to "
        f"{case.spec.timeout_us / US_PER_MS:,.0f} ms and be paid for; {gone:,} events did",
        case.usd(gone * cut_us / US_PER_MS),
        "set timeout below the gateway's",
    )


def _architecture(case: _Case) -> Iterator[Finding]:
    if case.spec.architecture is not Architecture.X86_64 or not case.runs:
        return
    scenario = case.run.scenario
    own = monthly_usage(
        (usage for usage in case.run.usage() if usage.function == case.spec.name),
        month_factor(scenario.duration_us),
    )
    there = [replace(usage, architecture=Architecture.ARM64.value) for usage in own]
    now, then = (float(price(rows, on=scenario.price_date, free_tier=False).total) for rows in (own, there))
    if then < now:
        yield case.finding(
            "arm64-untried",
            f"the same milliseconds cost ${now:,.2f} a month on x86_64 and ${then:,.2f} on arm64, which pays until it "
            f"takes {now / then - 1:.0%} longer",
            now - then,
            "sweep both architectures, and measure the ratio",
        )


def _failures(case: _Case) -> Iterator[Finding]:
    trigger = case.spec.trigger
    if trigger.is_synchronous or trigger.on_failure is not OnFailure.NONE:
        return
    ends = case.totals.event_outcomes
    dropped = int(ends[EventOutcome.FAILED] + ends[EventOutcome.EXPIRED] + ends[EventOutcome.REJECTED])
    yield case.finding(
        "no-dlq",
        f"events of {trigger.type.value} that are given up are gone; {dropped:,} of {case.totals.events:,} were",
        0.0,
        "set on_failure to dlq or destination",
    )


def _sizes(case: _Case) -> Iterator[Finding]:
    spec = case.spec
    for rule, value, name in (
        ("package-near-limit", spec.package_mb, "package_zipped_max_mb"),
        ("package-near-limit", spec.unzipped_mb, "package_unzipped_max_mb"),
        ("package-near-limit", spec.image_mb, "image_max_mb"),
        ("environment-near-limit", spec.environment_bytes, "environment_variables_max_bytes"),
    ):
        most = limit(name)
        if value is not None and value > _NEAR * most.value:
            yield case.finding(
                rule, f"{value:,} of {most.value:,} {most.unit} ({name})", 0.0, "make it smaller"
            )


def _init(case: _Case) -> Iterator[Finding]:
    cap_ms = case.plan.init_cap_us / US_PER_MS
    slow = case.totals.init_ms.quantile(0.99)
    if slow > _NEAR * cap_ms:
        again = int(case.totals.init_ms.counts[case.totals.init_ms.values >= cap_ms].sum())
        yield case.finding(
            "init-near-cap",
            f"p99 of INIT is {slow:,.0f} of {cap_ms:,.0f} ms; {again:,} were cut and run again",
            case.usd(again * timing("init_cap_on_demand_s").us / US_PER_MS),
            "do less before the handler, or use SnapStart or provisioned concurrency",
        )
