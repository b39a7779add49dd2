"""What a rule looks at, what it finds, and the names of all rules, by which a CI can filter."""

from __future__ import annotations

from typing import Final, NamedTuple

from lambdasim.billing import Bill, Usage, price
from lambdasim.engine.contract import FunctionPlan, Outcome
from lambdasim.engine.totals.function_totals import FunctionTotals
from lambdasim.results.run import RunResult
from lambdasim.results.usage.as_month import Period
from lambdasim.specs.function import FunctionSpec
from lambdasim.study.measures import LATE, usd_per_ms

RULES: Final = (
    "arm64-untried",
    "empty-receives",
    "environment-near-limit",
    "ephemeral-storage-paid",
    "errors-paid-for",
    "gateway-cut-below-timeout",
    "init-near-cap",
    "layers-near-limit",
    "logs-above-compute",
    "memory-below-need",
    "memory-far-above-need",
    "memory-near-need",
    "message-groups-bind",
    "nat-beside-endpoint",
    "no-dlq",
    "package-near-limit",
    "payload-near-limit",
    "pollers-above-concurrency",
    "provisioned-below-break-even",
    "provisioned-not-called",
    "read-timeout-below-timeout",
    "reserved-unused",
    "rest-where-http-would-do",
    "secrets-not-cached",
    "snap-start-untried",
    "snap-start-versions-unused",
    "timeout-far-above-p99.9",
    "timeout-near-p99.9",
    "timeout-too-short",
    "traces-at-full-sampling",
    "transfer-between-regions",
    "transfer-between-zones",
)
"""Names of all rules."""


class Finding(NamedTuple):
    """One setting to look at.

    Attributes
    ----------
    rule : str
        Name for filters.
    function : str
    evidence : str
        What the run or the settings show.
    usd : float
        What it costs in a period, or what the change would save; 0 where that is not known [USD].
    period : str
        ``month``, or ``run`` where the scenario is no sample of a month, see ``month_basis``.
    change : str
        What to do.
    """

    rule: str
    function: str
    evidence: str
    usd: float
    period: str
    change: str


def groups_that_bind(spec: FunctionSpec, plan: FunctionPlan, totals: FunctionTotals, duration_us: int) -> int:
    """Give how many message groups a FIFO queue has that does not keep up because of them; 0 where something else binds.

    Each group is worked on one batch at a time, so no more batches than groups run at once, whatever pollers there are.

    Parameters
    ----------
    spec : FunctionSpec
    plan : FunctionPlan
    totals : FunctionTotals
    duration_us : int
        The scenario's length [µs].

    Returns
    -------
    int
    """
    queue, items = spec.trigger.queue, totals.items
    if queue is None or queue.message_groups is None or items is None or plan.source is None:
        return 0
    late = items.last_us - duration_us >= LATE * duration_us
    refused = int(totals.outcomes[Outcome.THROTTLED])
    pollers_bind = plan.source.pollers.most <= totals.concurrency.peak < queue.message_groups
    return queue.message_groups if late and not refused and not pollers_bind else 0


class Case(NamedTuple):
    """A function's settings and how it did.

    Attributes
    ----------
    run : RunResult
    spec : FunctionSpec
    plan : FunctionPlan
    totals : FunctionTotals
    used, usage : tuple of Usage
        The function's own, in the run, and in the period that money is quoted for.
    period : Period
    """

    run: RunResult
    spec: FunctionSpec
    plan: FunctionPlan
    totals: FunctionTotals
    used: tuple[Usage, ...]
    usage: tuple[Usage, ...]
    period: Period

    @property
    def runs(self) -> int:
        """Attempts that started."""
        return self.totals.runs

    @property
    def per(self) -> str:
        """The period that money is quoted for, in words."""
        return self.period.words

    def usd(self, ms: float) -> float:
        """Price so many billed ms of the run, in the period that money is quoted for [USD]."""
        scenario = self.run.scenario
        rate = usd_per_ms(self.spec, scenario.region, scenario.billing_day)
        return float(rate) * ms * float(self.period.factor)

    def bill(self, usage: tuple[Usage, ...]) -> Bill:
        """Price usage of the period by itself, without the account's free tier."""
        return price(usage, on=self.run.scenario.price_date, free_tier=False)

    def costs_more_than(self, other: tuple[Usage, ...]) -> float:
        """Say how much more the function costs in the period than with other usage [USD]."""
        return float(self.bill(self.usage).total - self.bill(other).total)

    def finding(self, rule: str, evidence: str, usd: float, change: str) -> Finding:
        """Make a finding of this function."""
        if rule not in RULES:
            raise KeyError(f"{rule} is not among RULES")
        return Finding(rule, self.spec.name, evidence, usd, self.period.name, change)
