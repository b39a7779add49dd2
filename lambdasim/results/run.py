"""The result of a run: one truth, seen as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lambdasim import version
from lambdasim.billing import Bill, InvocationCosts, Usage, invocation_costs, price_scenario
from lambdasim.catalog import billing_rules, price_sheet
from lambdasim.engine.contract import EventOutcome, Outcome, Plan, RecordChunk
from lambdasim.engine.totals.aggregate import Aggregate
from lambdasim.engine.totals.function_totals import FunctionTotals
from lambdasim.engine.totals.histogram import Histogram, together
from lambdasim.errors import LambdaSimError
from lambdasim.results.callers.alarms import alarms_frame, alarms_texts
from lambdasim.results.callers.chains import calls_frame, chains_frame
from lambdasim.results.callers.machines import calls_texts, machines_frame
from lambdasim.results.failures import failure_counts, failure_warning, lost_events, throttles_frame
from lambdasim.results.foreseen import NO_EVENT, days_of, of_traffic, of_work, readings_of
from lambdasim.results.intervals import half_width_of_sections
from lambdasim.results.parameters import Parameter, parameters_of
from lambdasim.results.record_table import records_frame
from lambdasim.results.run_text import (
    assumptions_text,
    days_texts,
    replicated_text,
    section_intervals,
    sources_text,
    summary_text,
    throttles_text,
)
from lambdasim.results.sources import backlog_frame, items_frame, sources_frame
from lambdasim.results.usage.hourly_costs import costs_by_hour, costs_frame
from lambdasim.results.usage.managed import left_out_of_peak
from lambdasim.results.usage.month import PayloadMeter, run_usage
from lambdasim.results.usage.over_time import CostsOverTime
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.traffic.report import ReadReport
from lambdasim.units import format_duration, to_epoch_us
from lambdasim.views import Result
from lambdasim.wording import count, money, wrapped

if TYPE_CHECKING:
    import pandas as pd

PERCENTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, eq=False, repr=False)
class RunResult(Result):
    """A simulated scenario.

    Attributes
    ----------
    scenario : ScenarioSpec
    plan : Plan
    aggregate : Aggregate
        Exact totals, histograms and series.
    payloads : PayloadMeter
        What is billed by size.
    chunks : tuple of RecordChunk or None
        Every attempt, where asked for.
    arrays_sha256 : str
        Checksum of the arrays that the run was given; empty for a scenario.
    engine : str
        Which engine ran, and why.
    """

    scenario: ScenarioSpec
    plan: Plan
    aggregate: Aggregate
    payloads: PayloadMeter
    chunks: tuple[RecordChunk, ...] | None
    arrays_sha256: str
    engine: str

    @classmethod
    def of_records(
        cls,
        scenario: ScenarioSpec,
        plan: Plan,
        chunks: Iterable[RecordChunk],
        arrays_sha256: str = "",
        *,
        engine: str = "reference",
        keep_records: bool = True,
    ) -> RunResult:
        """Sum up the records of a whole run as they come.

        Parameters
        ----------
        scenario : ScenarioSpec
        plan : Plan
        chunks : iterable of RecordChunk
            In the order in which the engine gives them.
        arrays_sha256 : str
            Checksum of the arrays that the run was given.
        engine : str
            Which engine ran.
        keep_records : bool
            Whether ``records`` holds every attempt.

        Returns
        -------
        RunResult

        Raises
        ------
        ConservationError
            When an event was lost or invented.
        """
        aggregate = Aggregate(plan, to_epoch_us(scenario.start), scenario.duration_us)
        payloads = PayloadMeter(scenario, plan)
        kept: list[RecordChunk] = []
        for chunk in chunks:
            aggregate.add(chunk)
            payloads.add(chunk)
            if keep_records:
                kept.append(chunk)
        aggregate.check_conservation()
        records = tuple(kept) if keep_records else None
        return cls(scenario, plan, aggregate, payloads, records, arrays_sha256, engine)

    @property
    def records(self) -> pd.DataFrame:
        """One row for each attempt; times in ms, choices in words.

        Raises
        ------
        LambdaSimError
            When the run did not keep its records.
        """
        return records_frame(self._kept(), self.aggregate.names)

    @property
    def items(self) -> pd.DataFrame:
        """One row for each message or record of queues and streams, see ``results.sources.items_frame``.

        Raises
        ------
        LambdaSimError
            When the run did not keep its records.
        """
        return items_frame(self._kept(), self.aggregate.names)

    def _kept(self) -> tuple[RecordChunk, ...]:
        if self.chunks is None:
            raise LambdaSimError("the run kept no records; simulate with keep_records=True")
        return self.chunks

    def sources(self) -> pd.DataFrame:
        """Return what became of messages and records, by function; see ``results.sources.sources_frame``."""
        return sources_frame(self.plan.functions, self.aggregate.functions)

    def backlog(self) -> pd.DataFrame:
        """Return backlog and age of the oldest by minute; see ``results.sources.backlog_frame``."""
        reached = [totals.items.minutes for totals in self.aggregate.functions if totals.items is not None]
        minutes = self.aggregate.minutes(max(reached, default=0))
        return backlog_frame(self.plan.functions, self.aggregate.functions, minutes)

    def calls(self) -> pd.DataFrame:
        """Return what became of calls between functions; see ``results.callers.chains.calls_frame``."""
        busy_us = [totals.concurrency.busy_us for totals in self.aggregate.functions]
        return calls_frame(self.plan, self.aggregate.chains, busy_us)

    def chains(self) -> pd.DataFrame:
        """Return whole chains of calls, and how long they take; see ``results.callers.chains.chains_frame``."""
        return chains_frame(self.plan, self.aggregate.chains)

    def alarms(self) -> pd.DataFrame:
        """Return when the scenario's alarms fire; see ``results.callers.alarms.alarms_frame``."""
        if not self.scenario.alarms:
            return alarms_frame(self.scenario, None, None, None)
        bill = self.charges()
        return alarms_frame(self.scenario, self.metrics(), self.costs_over_time(bill), bill)

    def machines(self) -> pd.DataFrame:
        """Return what became of state machines' executions; see ``results.callers.machines.machines_frame``."""
        return machines_frame(self.plan, self.aggregate.executions)

    def latency_ms(self, function: str | None = None) -> Histogram:
        """Return the exact distribution of latency, arrival to answer, of all that waited [whole ms, rounded up].

        Parameters
        ----------
        function : str, optional
            Default: all functions together.

        Returns
        -------
        Histogram
            Of whole milliseconds, rounded up.
        """
        if function is not None:
            return self.aggregate.function(function).all_latency_ms()
        return together(*(totals.all_latency_ms() for totals in self.aggregate.functions))

    def summary(self) -> pd.DataFrame:
        """Return one row for each function.

        Returns
        -------
        DataFrame
            Counts of events: ``succeeded``; ``failed``, whose last run failed; ``lost``, all that did not succeed,
            refused and expired ones included. Counts of runs that failed, by kind (``errors``, ``timeouts``, ``crashes``,
            ``out_of_memory``), and of events whose caller a gateway answered 504 (``cut_answers``). Refused attempts
            (``throttled``), ``runs``, the share of cold starts among runs, exact percentiles of latency over answered
            events [whole ms, rounded up], the half-width of the 95 % interval of p95 from batch means [ms], peak and mean
            concurrency.
        """
        import pandas as pd

        pairs = zip(self.aggregate.names, self.aggregate.functions, strict=True)
        return pd.DataFrame([self._row(name, totals) for name, totals in pairs])

    def frame(self) -> pd.DataFrame:
        """Return one row for each function; see ``summary``."""
        return self.summary()

    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Return functions, bill, refused attempts, costs of one invocation and parameters, by title."""
        return {
            "functions": self.summary(),
            "bill": self.bill(),
            "refused attempts": self.throttles(),
            "queues and streams": self.sources(),
            "calls": self.calls(),
            "chains": self.chains(),
            "state machines": self.machines(),
            "alarms": self.alarms(),
            "cost of one invocation": self.costs(),
            "parameters": self.parameters(),
        }

    def shown(self) -> Mapping[str, pd.DataFrame]:
        """Return the functions alone: how the run went."""
        return {"functions": self.summary()}

    def text(self, intervals: pd.DataFrame | None = None) -> str:
        """Write how the run went, what it costs and what that rests on, in 80 columns.

        Parameters
        ----------
        intervals : DataFrame, optional
            From replications, see ``replicate``; default: the interval of p95 from this run alone.

        Returns
        -------
        str
        """
        summary, throttles = self.summary(), self.throttles()
        parts = [repr(self), "", summary_text(summary)]
        parts += [section_intervals(summary)] if intervals is None else ["", replicated_text(intervals)]
        parts += ["", throttles_text(throttles)] if len(throttles) else []
        sources, parameters = self.sources(), self.parameters()
        parts += ["", sources_text(sources)] if len(sources) else []
        parts += calls_texts(self.machines(), self.calls(), self.chains()) + alarms_texts(self.alarms())
        parts += ["", self.charges().text(), *days_texts(parameters), assumptions_text(parameters)]
        return "\n".join(parts)

    def _row(self, name: str, totals: FunctionTotals) -> dict[str, Any]:
        latency = totals.all_latency_ms()
        runs = totals.runs
        row: dict[str, Any] = {
            "function": name,
            "events": totals.events,
            "succeeded": int(totals.event_outcomes[EventOutcome.SUCCEEDED]),
            "failed": int(totals.event_outcomes[EventOutcome.FAILED]),
            "throttled": int(totals.outcomes[Outcome.THROTTLED]),
            "lost": lost_events(totals),
            "runs": runs,
            **failure_counts(totals),
            "cold_share": totals.cold / runs if runs else float("nan"),
        }
        for q in PERCENTILES:
            row[f"p{round(q * 100)}_ms"] = latency.quantile(q)
        row["p95_half_width_ms"] = half_width_of_sections(totals, 0.95)
        row["peak_concurrency"] = totals.concurrency.peak
        row["mean_concurrency"] = totals.mean_concurrency(self.scenario.duration_us)
        return row

    def throttles(self) -> pd.DataFrame:
        """Return refused attempts by function and limit."""
        return throttles_frame(self.aggregate.names, self.aggregate.functions)

    def metrics(self) -> pd.DataFrame:
        """Return one row for each function and minute, in CloudWatch's names.

        Returns
        -------
        DataFrame
            Counts as ``minute_rows.COUNTS`` has them; ``ConcurrentExecutions`` and ``ProvisionedConcurrentExecutions``,
            the most at once in the minute; ``ProvisionedConcurrencyUtilization``, their share of what is ready in
            it; ``Duration``, the average [ms].
        """
        from lambdasim.results.metrics import metrics_frame

        return metrics_frame(self.aggregate, self.plan)

    def account_metrics(self) -> pd.DataFrame:
        """Return one row for each minute of the account, in CloudWatch's names.

        Returns
        -------
        DataFrame
            ``ConcurrentExecutions`` and ``UnreservedConcurrentExecutions``, the most at once in the minute;
            ``ClaimedAccountConcurrency``, unreserved executions with all that is reserved and what is provisioned for
            functions without; ``limit``, the account's.
        """
        from lambdasim.results.metrics import account_metrics_frame

        return account_metrics_frame(self.aggregate, self.plan)

    def usage(self) -> tuple[Usage, ...]:
        """Return what was used, in whole numbers, by function and UTC month."""
        return self._usage

    @cached_property
    def _usage(self) -> tuple[Usage, ...]:
        return run_usage(self.scenario, self.plan, self.aggregate, self.payloads)

    def bill(
        self, *, region: str | None = None, month: str | None = None, on: date | None = None
    ) -> pd.DataFrame:
        """Return the bill's line items as a table; see ``charges`` for the bill itself.

        Parameters
        ----------
        region, month, on : optional
            As for ``charges``.

        Returns
        -------
        DataFrame
            Columns are the attributes of ``LineItem``; money as exact decimals [USD].
        """
        return self.charges(region=region, month=month, on=on).frame()

    def charges(
        self,
        *,
        region: str | None = None,
        month: str | None = None,
        on: date | None = None,
        free_tier: bool | None = None,
    ) -> Bill:
        """Price the run's usage, here or elsewhere, now or at another date: nothing is simulated again.

        Parameters
        ----------
        region : str, optional
            Price as if all had run there.
        month : str, optional
            Price as if it had been this month, YYYY-MM.
        on : date, optional
            Day whose rates and rules apply; default: as the scenario says.
        free_tier : bool, optional
            Take the account's free tier of each month off; default: as the scenario says.

        Returns
        -------
        Bill
        """
        return price_scenario(
            self.scenario, self.usage(), region=region, month=month, on=on, free_tier=free_tier
        )

    def invocation_costs(self, function: str) -> InvocationCosts:
        """Return the exact distribution of the cost of a function's on-demand invocations, at first-tier rates.

        Parameters
        ----------
        function : str

        Returns
        -------
        InvocationCosts

        Raises
        ------
        InputError
            When there is no such function.
        """
        totals, spec = self.aggregate.function(function), self.scenario.function(function)
        on = self.scenario.billing_day
        rules = billing_rules(on)
        init_billed = rules.init_is_billed(spec.package_type.value, spec.runtime, spec.snap_start is not None)
        histogram = totals.billed_with_init if init_billed else totals.billed_without_init
        return invocation_costs(
            histogram.values,
            histogram.counts,
            memory_mb=spec.memory_mb,
            ephemeral_mb=spec.ephemeral_mb,
            architecture=spec.architecture.value,
            sheet=price_sheet(self.scenario.region, on),
            rules=rules,
        )

    def costs(self) -> pd.DataFrame:
        """Return one row for each function with on-demand invocations: cost of one, and who causes it.

        Returns
        -------
        DataFrame
            ``usd_per_million``, ``p50_usd``, ``p95_usd``, ``p99_usd`` of one invocation (request fee included, free tier
            not), ``slowest_5_percent_share`` of the duration charge.
        """
        return costs_frame(self.aggregate.names, self.invocation_costs, PERCENTILES)

    def hourly_costs(self) -> pd.DataFrame:
        """Return what each hour costs by function, without free tier; see ``hourly_costs.costs_by_hour``."""
        return costs_by_hour(self.scenario, self.costs_over_time(self.charges(free_tier=False)))

    def costs_over_time(self, bill: Bill) -> CostsOverTime:
        """Spread a bill of this run over its minutes.

        Parameters
        ----------
        bill : Bill

        Returns
        -------
        CostsOverTime
        """
        return CostsOverTime(self.scenario, self.plan, self.aggregate, self.usage(), bill)

    def parameters(self) -> pd.DataFrame:
        """Return what the result rests on and how each is known: ``parameter``, ``value``, ``known``, ``source``."""
        import pandas as pd

        found = [*parameters_of(self.scenario), *days_of(self.plan)]
        return pd.DataFrame(found, columns=list(Parameter._fields))

    def readings(self) -> dict[str, ReadReport]:
        """Return what was found in the traces: rows, rows left out, warnings, what lies outside; by function."""
        return readings_of(self.plan)

    def warnings(self) -> tuple[str, ...]:
        """Say what a reader must know before any figure: what fails, what has no work, what was found in traces.

        Returns
        -------
        tuple of str
            A sentence for each, as terminal, page and JSON show them.
        """
        failing = failure_warning(zip(self.aggregate.names, self.aggregate.functions, strict=True))
        return (
            *((failing,) if failing else ()),
            *(() if any(totals.events for totals in self.aggregate.functions) else (NO_EVENT,)),
            *of_work(self.plan.functions),
            *of_traffic(self.plan),
        )

    def provenance(self) -> dict[str, Any]:
        """Return what identifies the run."""
        return {
            "scenario": self.scenario.name,
            "scenario_sha256": self.scenario.scenario_hash(),
            "arrays_sha256": self.arrays_sha256,
            "version": version.__version__,
            "engine": self.engine,
            "seed": self.scenario.seed,
        }

    def sentences(self) -> tuple[str, ...]:
        """Say in sentences what ran, what it costs, and what failed.

        Returns
        -------
        tuple of str
        """
        events = sum(totals.events for totals in self.aggregate.functions)
        latency = self.latency_ms()
        quantiles = ", ".join(f"p{round(q * 100)} {count(latency.quantile(q))} ms" for q in PERCENTILES)
        return (
            f"{events:,} events in {format_duration(self.scenario.duration_us)}, engine {self.engine}",
            f"bill {money(self.charges().total)}{self._without_free_tier()}; latency {quantiles}; peak concurrency "
            f"{count(self.aggregate.account.peak)}{left_out_of_peak(self.scenario)}",
            *(f"WARNING: {warning}" for warning in self.warnings()),
        )

    def _without_free_tier(self) -> str:
        """Say what the run would cost without the free tier, which is a whole month's however short the run is."""
        if not self.scenario.free_tier:
            return ""
        return f" with a whole month's free tier, {money(self.charges(free_tier=False).total)} without"

    def __repr__(self) -> str:
        """Say what ran, how it went and what it costs."""
        first, *others = self.sentences()
        return "\n".join(map(wrapped, [f"{self.scenario.name}: {first}", *others]))
