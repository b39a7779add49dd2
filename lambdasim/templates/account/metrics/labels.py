"""What a label of our queries says: CloudWatch repeats it, and neither metric, statistic, dimension nor period."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

_LABEL: Final = re.compile(
    r"([^|]*)\|([A-Za-z]+)\|([A-Za-z0-9.:()%]+)\|([0-9]{1,9})(?:\|([0-9]{1,11})-([0-9]{1,11}))?"
)
_OWNERS: Final = ("FunctionName", "QueueName", "StreamName")
_PARTS: Final = ("Resource", "ExecutedVersion")
ACCOUNT: Final = "(account)"
"""Owner of a metric without dimensions."""


@dataclass(frozen=True)
class Label:
    """What a series is.

    Attributes
    ----------
    owner : str
        Function, queue or stream; ``(account)`` of metrics without dimensions.
    metric : str
        CloudWatch's name.
    statistic : str
        ``Sum``, ``Average``, ``p99`` ...
    period_s : int
        [s].
    window : tuple of (int, int) or None
        What was asked for, first moment and end [s since 1970].
    """

    owner: str
    metric: str
    statistic: str
    period_s: int
    window: tuple[int, int] | None = None

    def text(self) -> str:
        """Write the label as our queries have it.

        Examples
        --------
        >>> Label("orders", "Duration", "p99", 1209600, (1763164800, 1764374400)).text()
        'orders|Duration|p99|1209600|1763164800-1764374400'
        """
        window = "" if self.window is None else f"|{self.window[0]}-{self.window[1]}"
        return f"{self.owner}|{self.metric}|{self.statistic}|{self.period_s}{window}"


def parsed_label(text: Any) -> Label | None:
    """Read a label of our queries; None where it is another.

    Examples
    --------
    >>> parsed_label("orders|Duration|p99|1209600").metric, parsed_label("orders Duration")
    ('Duration', None)
    """
    match = _LABEL.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None or int(match[4]) == 0:
        return None
    window = (int(match[5]), int(match[6])) if match[5] and int(match[5]) < int(match[6]) else None
    return Label(match[1].strip() or ACCOUNT, match[2], match[3], int(match[4]), window)


def label_of_query(query: Any, window: tuple[int, int] | None) -> Label | None:
    """Return what a query of GetMetricData asks for, of one version or alias apart; None where it is no plain metric."""
    said = query.get("MetricStat") if isinstance(query, dict) else None
    metric = said.get("Metric") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(metric, dict):
        return None
    period, name, statistic = said.get("Period"), metric.get("MetricName"), said.get("Stat")
    if (
        not isinstance(period, int)
        or period <= 0
        or not isinstance(name, str)
        or not isinstance(statistic, str)
    ):
        return None
    owner, part = ACCOUNT, ""
    for one in metric.get("Dimensions") or ():
        if isinstance(one, dict) and one.get("Name") in _OWNERS:
            owner = str(one.get("Value"))
        elif isinstance(one, dict) and one.get("Name") in _PARTS:
            part += f" ({one.get('Value')})"
    return Label(owner + part, name, statistic, period, window)
