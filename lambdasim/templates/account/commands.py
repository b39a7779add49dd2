"""The AWS CLI commands whose answers an import reads, ready to paste, with what they cost."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from lambdasim.catalog import limit
from lambdasim.catalog.prices.meters import meter
from lambdasim.errors import InputError
from lambdasim.outputs import OutputFolder
from lambdasim.templates.account.answers import read_answers
from lambdasim.templates.account.arns import one_region
from lambdasim.templates.account.callers import with_callers
from lambdasim.templates.account.metrics.queries import (
    cost_usd,
    finest_period_s,
    metrics_charged,
    pages_of,
    requests_of,
)
from lambdasim.templates.account.settings import account_functions
from lambdasim.templates.cloudformation.stack import Notes
from lambdasim.templates.found import FoundFunction
from lambdasim.wording import count, money

REPORTS: Final = (
    'filter @type="REPORT" | stats count(*) as n, avg(@duration) as mean, min(@duration) as low, '
    "pct(@duration,50) as p50, pct(@duration,90) as p90, pct(@duration,95) as p95, pct(@duration,99) as p99, "
    "max(@duration) as hi, avg(@billedDuration) as billed, count(@initDuration) as cold, "
    "pct(@initDuration,50) as init50, pct(@initDuration,95) as init95, max(@memorySize)/1000000 as mb, "
    "max(@maxMemoryUsed)/1000000 as used, min(@timestamp) as first, max(@timestamp) as last by @log"
)
"""A query of Logs Insights: one row for each function."""
CPU_TIMES: Final = "stats count(*) as n, avg(cpu_total_time) as cpu, avg(duration) as mean by function_name"
"""The same of Lambda Insights, where functions have it: the one source that separates CPU time from waiting."""
REQUEST: Final = ".request.json"
"""How the names of requests end that are written beside the exports."""
_KIND: Final = "requests"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,140}")
_MOST_DAYS: Final = 366
_DEFAULT_DAYS: Final = 14
_REGION: Final = "us-east-1"


@dataclass
class Commands:
    """What to run.

    Attributes
    ----------
    lines : list of str
        Of a shell, with comments.
    files : dict of str to bytes
        Requests beside the exports that the commands name, by relative name.
    metrics : int
        Metrics that are charged for; 0 where functions are not known yet.
    usd : float
        What CloudWatch's answers cost at least [USD].
    """

    lines: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    metrics: int = 0
    usd: float = 0.0

    def text(self) -> str:
        """Return the lines as a shell takes them."""
        return "\n".join(self.lines)


def account_commands(
    exports: Sequence[Path], days: int | None = None, until: date | None = None, region: str | None = None
) -> Commands:
    """Say which commands export an account.

    Parameters
    ----------
    exports : sequence of Path
        None, or where answers lie already: their functions are asked about then, by requests written beside them.
    days : int, optional
        Length of time to ask about; default: two weeks.
    until : date, optional
        The day at whose begin it ends, UTC; default: today.
    region : str, optional
        For the commands, and for what they cost.

    Returns
    -------
    Commands

    Raises
    ------
    InputError
        Where the days are none that CloudWatch keeps.
    """
    long = _DEFAULT_DAYS if days is None else days
    if not 1 <= long <= _MOST_DAYS:
        raise InputError.single(
            "lambdasim import aws", "--days", f"must be between 1 and {_MOST_DAYS}, got {long}"
        )
    end = datetime.combine(until or datetime.now(UTC).date(), datetime.min.time(), UTC)
    window = (int((end - timedelta(days=long)).timestamp()), int(end.timestamp()))
    age = (datetime.now(UTC) - end).days + long
    if age > limit("metrics_kept_1h_days").value:
        told = (
            f"reaches back {age:,} days; CloudWatch keeps metrics for {limit('metrics_kept_1h_days').value:,}"
        )
        raise InputError.single("lambdasim import aws", "--days", told)
    where = f" AWS_REGION={shlex.quote(region)}" if region else ""
    if not exports:
        return Commands(list(_settings(where)))
    folder = exports[0] if exports[0].is_dir() else exports[0].parent
    answers = read_answers(exports, but=REQUEST)
    place = one_region(answers, region)
    notes = Notes()
    functions = with_callers(answers, account_functions(answers, notes), notes)
    names = [name for name in functions if _NAME.fullmatch(name)]
    where = f" AWS_REGION={shlex.quote(place)}" if place else where
    made = Commands([f'export AWS_PAGER="" AWS_DEFAULT_OUTPUT=json{where}', ""])
    made.lines += _metrics(
        made, names, _queues(functions.values()), folder, window, age, place or region or _REGION
    )
    made.lines += _logs(names, folder, window, place or region or _REGION)
    made.lines += _bills(folder, window)
    made.lines += ["", "# then", f"lambdasim import aws {_quoted(folder)} -o account/"]
    return made


def _settings(where: str) -> Iterator[str]:
    yield "# 1. Functions and their settings: no charge. list-functions prints environment variables in clear;"
    yield "#    lambdasim keeps their length alone. Delete exports/ afterwards."
    yield "mkdir -p exports && cd exports"
    yield f'export AWS_PAGER="" AWS_DEFAULT_OUTPUT=json{where}'
    yield "aws lambda list-functions > functions.json"
    yield "aws lambda get-account-settings > account.json"
    yield "aws lambda list-event-source-mappings > mappings.json"
    yield "aws application-autoscaling describe-scalable-targets --service-namespace lambda > targets.json"
    yield "aws application-autoscaling describe-scheduled-actions --service-namespace lambda > actions.json"
    yield "aws events list-rules > rules.json"
    yield "for f in $(aws lambda list-functions --query 'Functions[].FunctionName' --output text); do"
    yield '  aws lambda get-function-concurrency --function-name "$f" > "$f.concurrency.json"'
    yield '  aws lambda list-provisioned-concurrency-configs --function-name "$f" > "$f.provisioned.json"'
    yield '  aws lambda list-function-event-invoke-configs --function-name "$f" > "$f.events.json"'
    yield '  aws lambda get-policy --function-name "$f" > "$f.policy.json" 2> /dev/null'
    yield "done"
    yield "for q in $(aws lambda list-event-source-mappings --query 'EventSourceMappings[].EventSourceArn' \\"
    yield "    --output text); do"
    yield '  case "$q" in *:sqs:*) url=$(aws sqs get-queue-url --queue-name "${q##*:}" --query QueueUrl --output text)'
    yield '    aws sqs get-queue-attributes --attribute-names All --queue-url "$url" > "queue-${q##*:}.json";; esac'
    yield "done"
    yield "cd .."
    yield ""
    yield "# 2. Metrics, logs and costs: this writes requests for the functions found, and prints their commands and cost"
    yield "lambdasim import aws exports/ --commands"


def _queues(functions: Iterable[FoundFunction]) -> list[str]:
    names = {source.queue.name for one in functions for source in one.sources if source.queue is not None}
    return sorted(name for name in names if _NAME.fullmatch(name.removesuffix(".fifo")))


def _metrics(
    made: Commands,
    functions: list[str],
    queues: list[str],
    folder: Path,
    window: tuple[int, int],
    age: int,
    region: str,
) -> Iterator[str]:
    period_s = finest_period_s(age)
    requests = requests_of(functions, queues, window, period_s)
    pages = max(map(pages_of, requests))
    made.metrics = metrics_charged(requests)
    made.usd = float(cost_usd(made.metrics, region))
    most = money(made.usd * pages)
    yield (
        f"# Metrics of {count(len(functions), 'function')}, {count((window[1] - window[0]) // 86_400, 'day')}: "
        f"{made.metrics:,} metrics, {money(made.usd)}{f' (to {most}, if each page is charged)' if pages > 1 else ''}"
    )
    for place, request in enumerate(requests, start=1):
        name = f"metrics-{place:03}{REQUEST}"
        made.files[name] = request.text().encode()
        answer = folder / f"metrics-{place:03}.json"
        yield (
            f"aws cloudwatch get-metric-data --cli-input-json file://{_quoted(folder / name)} "
            f"> {_quoted(answer)}"
        )


def _logs(functions: Iterable[str], folder: Path, window: tuple[int, int], region: str) -> Iterator[str]:
    names = [f"/aws/lambda/{name}" for name in functions]
    most = limit("insights_log_groups_max").value
    charged = meter("logs_insights_gb").price(region).tiers[0][1]
    yield ""
    yield f"# INIT and memory used, from logs: {money(charged)} for each GB scanned; take less time where logs are large"
    for place, first in enumerate(range(0, len(names), most), start=1):
        groups = " ".join(map(shlex.quote, names[first : first + most]))
        yield from _query(groups, REPORTS, folder / f"runs-{place:03}.json", window)
    yield ""
    yield "# CPU time and waiting, only where functions have Lambda Insights"
    yield from _query("/aws/lambda-insights", CPU_TIMES, folder / "cpu.json", window)


def _query(groups: str, query: str, answer: Path, window: tuple[int, int]) -> Iterator[str]:
    yield (
        f"q=$(aws logs start-query --log-group-names {groups} --start-time {window[0]} --end-time {window[1]} "
        f"--limit 10000 --query-string {shlex.quote(query)} --query queryId --output text) && sleep 30 && "
        f'aws logs get-query-results --query-id "$q" > {_quoted(answer)}'
    )


def _bills(folder: Path, window: tuple[int, int]) -> Iterator[str]:
    start, end = (datetime.fromtimestamp(moment, UTC).date().isoformat() for moment in window)
    wanted = '{"Dimensions":{"Key":"SERVICE","Values":["AWS Lambda"]}}'
    yield ""
    yield "# The real bill (Cost Explorer charges for each request), and Compute Optimizer where it is on"
    yield (
        f"aws ce get-cost-and-usage --time-period Start={start},End={end} --granularity DAILY --metrics UnblendedCost "
        f"UsageQuantity --filter {shlex.quote(wanted)} --group-by Type=DIMENSION,Key=USAGE_TYPE "
        f"> {_quoted(folder / 'costs.json')}"
    )
    optimizer = _quoted(folder / "optimizer.json")
    yield f"aws compute-optimizer get-lambda-function-recommendations > {optimizer}"


def _quoted(path: Path) -> str:
    return shlex.quote(path.as_posix())


def write_requests(made: Commands, folder: Path) -> list[Path]:
    """Write the requests beside the exports.

    Parameters
    ----------
    made : Commands
    folder : Path

    Returns
    -------
    list of Path
    """
    with OutputFolder(folder, _KIND, whole=False) as place:
        for name, content in made.files.items():
            place.add(name, content)
    return [folder / name for name in made.files]
