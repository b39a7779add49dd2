"""An export of an account, read: its functions with what calls them, and what was measured."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, Final

from lambdasim.catalog import limit
from lambdasim.templates.account.answers import Answers, Kind, read_answers
from lambdasim.templates.account.arns import one_region
from lambdasim.templates.account.callers import with_callers
from lambdasim.templates.account.log_statistics import RunStatistics, run_statistics
from lambdasim.templates.account.measured import counted_by_cloudwatch, measured_function
from lambdasim.templates.account.metrics.labels import ACCOUNT
from lambdasim.templates.account.metrics.series import MetricStore, read_metrics
from lambdasim.templates.account.settings import account_concurrency, account_functions, without_settings
from lambdasim.templates.cloudformation.stack import Notes
from lambdasim.templates.cloudformation.values import items_of
from lambdasim.templates.found import Found, FoundFunction, Remark, without_accounts
from lambdasim.templates.writing.scenario_writer import COUNTED_FORM
from lambdasim.wording import clipped, count, listed

_KIND: Final = "account export"
_DAY_S: Final = 86_400
_MOST_DAYS: Final = 366
_QUEUES: Final = frozenset({"NumberOfMessagesSent", "NumberOfMessagesDeleted", "IncomingRecords"})
_NAMED: Final = 5


def read_account(
    sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], region: str | None = None
) -> Found:
    """Read the files of AWS CLI commands as one account in one region.

    Parameters
    ----------
    sources : path-like, or iterable of path-like
        Files and folders, in any order and under any name; see ``answers.read_answers``.
    region : str, optional
        Where the files are of several.

    Returns
    -------
    Found
        Its scenario has the time in which the metrics were counted. No value of an environment variable, no account id.

    Raises
    ------
    TemplateError
        Naming the file that cannot be read, or what is mixed.
    """
    paths = [Path(sources)] if isinstance(sources, str | os.PathLike) else [Path(one) for one in sources]
    answers = read_answers(paths)
    notes = Notes()
    place = one_region(answers, region)
    functions = with_callers(answers, account_functions(answers, notes), notes, region or place)
    store, logs = read_metrics(answers, notes), run_statistics(answers, notes)
    window = store.window or _window_of_logs(logs)
    functions = {
        name: measured_function(one, store, logs.get(name), window, notes) for name, one in functions.items()
    }
    _tell_unknown(functions, store, logs, notes)
    _tell_apis(functions, notes)
    concurrency = account_concurrency(answers, functions.values(), notes)
    return Found(
        _KIND,
        clipped(paths[0].name or "exports", 80),
        tuple(functions.values()),
        region=region or place,
        not_modelled=tuple(notes.not_modelled),
        unresolved=tuple(notes.unresolved),
        warnings=(*answers.warnings, *notes.warnings),
        window=window,
        account_concurrency=concurrency,
        counted=_counted(answers, functions, store, logs, window, concurrency),
    )


def _window_of_logs(logs: dict[str, RunStatistics]) -> tuple[int, int] | None:
    """Return as many whole days as the longest count of runs has, from the day of the catalog."""
    days = max((one.days for one in logs.values() if one.days), default=None)
    if days is None:
        return None
    start = int(datetime.combine(limit("memory_min_mb").as_of, time(), UTC).timestamp())
    return start, start + min(max(round(days), 1), _MOST_DAYS) * _DAY_S


def _tell_unknown(
    functions: dict[str, FoundFunction], store: MetricStore, logs: dict[str, RunStatistics], notes: Notes
) -> None:
    """Say which functions nothing was measured of, and of which others something was."""
    if not store.series and not logs:
        return
    silent = [name for name, one in functions.items() if one.measured is None or one.measured.counts is None]
    if silent:
        told = f"no traffic was exported of {count(len(silent), 'function')}, so a guess stands in"
        told += f": {listed(silent, most=_NAMED)}"
        notes.warnings.append(Remark("", told))
    known = {name.split(":", 1)[0] for name in (*store.owners(), *logs)} - {ACCOUNT}
    queues = {
        key.owner for key in store.series if key.metric in _QUEUES or key.metric.startswith("Approximate")
    }
    foreign = sorted(known - set(functions) - queues)
    if foreign:
        notes.warnings.append(without_settings(foreign, "measurements"))


def _tell_apis(functions: dict[str, FoundFunction], notes: Notes) -> None:
    alike = [
        name
        for name, one in functions.items()
        if any(source.type == "api_gateway_rest" for source in one.sources)
    ]
    if alike:
        many = count(len(alike), "function")
        told = f"{many} may be called by API Gateway; policies do not distinguish REST from HTTP APIs, so REST is taken"
        notes.unresolved.append(Remark("policies", told))


def _counted(
    answers: Answers,
    functions: dict[str, FoundFunction],
    store: MetricStore,
    logs: dict[str, RunStatistics],
    window: tuple[int, int] | None,
    concurrency: int | None,
) -> dict[str, Any] | None:
    """Return what CloudWatch and Cost Explorer counted; None where nothing was."""
    rows = counted_by_cloudwatch(functions.values(), store, logs)
    account: dict[str, Any] = {"limit": concurrency} if concurrency is not None else {}
    for metric, key in (
        ("ConcurrentExecutions", "peak_concurrency"),
        ("ClaimedAccountConcurrency", "claimed_concurrency"),
    ):
        most = store.most(ACCOUNT, metric)
        if most is not None:
            account[key] = most
    costs = _costs(answers)
    if not rows and not costs:
        return None
    return {"form": COUNTED_FORM, "window": window, "functions": rows, "account": account, "costs": costs}


def _costs(answers: Answers) -> list[dict[str, Any]]:
    """Return Cost Explorer's lines of Lambda by day or month and usage type, as it wrote them."""
    found = []
    for item in answers.of(Kind.COSTS):
        for period in items_of(item.data.get("ResultsByTime")):
            span = period.get("TimePeriod") if isinstance(period, dict) else None
            if not isinstance(span, dict):
                continue
            for group in items_of(period.get("Groups")):
                keys = group.get("Keys") if isinstance(group, dict) else None
                usage = next(
                    (key for key in items_of(keys) if "Lambda" in str(key) or "Request" in str(key)), None
                )
                metrics = group.get("Metrics") if isinstance(group, dict) else None
                amount = next(
                    (
                        one.get("Amount")
                        for one in (metrics.values() if isinstance(metrics, dict) else ())
                        if isinstance(one, dict) and one.get("Unit") == "USD"
                    ),
                    None,
                )
                if usage is None or amount is None:
                    continue
                found.append(
                    {
                        "start": _shown(span.get("Start")), "end": _shown(span.get("End")),
                        "usage_type": _shown(usage), "usd": _shown(amount), "estimated": bool(period.get("Estimated")),
                    }
                )  # fmt: skip
    return found


def _shown(value: Any) -> str:
    return without_accounts(clipped(value, 60))
