"""What is counted in each minute: in CloudWatch's names, and executions in progress."""

from __future__ import annotations

from typing import Final

from lambdasim.engine.contract import Limit

COUNTS: Final = (
    "Invocations",
    "Errors",
    "Throttles",
    *(
        f"Throttles_{limit.name.lower()}"
        for limit in Limit
        if limit not in (Limit.NONE, Limit.PAYLOAD, Limit.LOOP)
    ),
    "ColdStarts",
    "ProvisionedConcurrencyInvocations",
    "ProvisionedConcurrencySpilloverInvocations",
    "AsyncEventsReceived",
    "AsyncEventsDropped",
    "DurationSum_us",
    "BilledMsWithInit",
    "BilledMsWithoutInit",
    "ProvisionedBilledMs",
)
"""As CloudWatch counts; but ``Throttles_…`` tells which limit refused, and ``Billed…`` are sums of ceilings of on-demand
runs, see ``billing.Usage``."""

# Rows of a minute: the counts, then executions that ended in it, and the most in progress just after one began.
ENDED, HIGHEST, PROVISIONED_ENDED, PROVISIONED_HIGHEST = range(len(COUNTS), len(COUNTS) + 4)
ROWS: Final = len(COUNTS) + 4
