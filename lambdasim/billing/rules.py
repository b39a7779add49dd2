"""From what happened to what is billed: ceilings, free parts and least times.

Arrays in, arrays out; all whole numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lambdasim.catalog import BillingRules
from lambdasim.units import US_PER_MS, US_PER_S, from_epoch_us, month_ends_us

Ints = NDArray[np.int64]
BYTES_PER_KB = 1024
MS_PER_S = US_PER_S // US_PER_MS


def billed_ms(duration_us: Ints, init_us: Ints, *, init_is_billed: bool) -> Ints:
    """Give the billed duration of invocations: one ceiling over INIT and handler together.

    Parameters
    ----------
    duration_us : ndarray of int64, shape (n_invocations,)
        Handler [µs].
    init_us : ndarray of int64, shape (n_invocations,)
        INIT, or the billed part of a SnapStart restore; 0 where warm [µs].
    init_is_billed : bool
        As ``BillingRules.init_is_billed`` says.

    Returns
    -------
    ndarray of int64, shape (n_invocations,)
        [ms].

    References
    ----------
    REPORT lines on AWS: Init Duration 1307.68 ms and Duration 1058.15 ms are billed as 2366 ms.

    Examples
    --------
    >>> import numpy as np
    >>> billed_ms(np.array([1_058_150]), np.array([1_307_680]), init_is_billed=True).tolist()
    [2366]
    """
    total_us = duration_us + init_us if init_is_billed else duration_us
    return -(-total_us // US_PER_MS)


def extra_requests(payload_bytes: Ints, rules: BillingRules) -> Ints:
    """Count the further requests of asynchronous events by their size.

    Parameters
    ----------
    payload_bytes : ndarray of int64, shape (n_events,)
        [bytes].
    rules : BillingRules

    Returns
    -------
    ndarray of int64, shape (n_events,)
        Requests beside the first.

    References
    ----------
    AWS Lambda pricing page: one request to 256 KB, one more for each further 64 KB.

    Examples
    --------
    >>> import numpy as np
    >>> from datetime import date
    >>> from lambdasim.catalog import billing_rules
    >>> sizes = np.array([262_144, 262_145, 1_048_576])
    >>> extra_requests(sizes, billing_rules(date(2026, 11, 1))).tolist()
    [0, 1, 12]
    """
    above = np.maximum(payload_bytes - rules.async_first_kb * BYTES_PER_KB, 0)
    return -(-above // (rules.async_each_kb * BYTES_PER_KB))


def streamed_bytes_billed(response_bytes: Ints, rules: BillingRules) -> Ints:
    """Give the billed part of streamed responses [bytes], shape (n_responses,): above the free part of each."""
    return np.maximum(response_bytes - rules.streaming_free_mb * BYTES_PER_KB * BYTES_PER_KB, 0)


def allocated_s(enabled_us: int, rules: BillingRules) -> int:
    """Give the billed time of one allocation of provisioned concurrency [s].

    Parameters
    ----------
    enabled_us : int
        From enabling to disabling [µs].
    rules : BillingRules

    Returns
    -------
    int
        Rounded up to the billing step; times the number of environments it goes into
        ``Usage.provisioned_allocated_s``.

    Examples
    --------
    >>> from datetime import date
    >>> from lambdasim.catalog import billing_rules
    >>> [allocated_s(s * 1_000_000, billing_rules(date(2026, 11, 1))) for s in (0, 1, 300, 301)]
    [0, 300, 300, 600]
    """
    return -(-enabled_us // (rules.provisioned_step_s * US_PER_S)) * rules.provisioned_step_s


def allocated_by_month(begin_us: int, end_us: int, rules: BillingRules) -> dict[str, int]:
    """Share the billed time of one allocation of provisioned concurrency between the months that it runs in.

    Parameters
    ----------
    begin_us, end_us : int
        From enabling to disabling, since 1970 in UTC [µs].
    rules : BillingRules

    Returns
    -------
    dict of str to int
        Billed time by month ``YYYY-MM`` [s]; sums to ``allocated_s`` of the whole. Months end at midnight UTC; what
        the rounding adds belongs to the last month.

    Examples
    --------
    >>> from datetime import UTC, date, datetime
    >>> from lambdasim.catalog import billing_rules
    >>> from lambdasim.units import to_epoch_us
    >>> begin, end = datetime(2026, 11, 30, 23, tzinfo=UTC), datetime(2026, 12, 1, 2, 1, tzinfo=UTC)
    >>> allocated_by_month(to_epoch_us(begin), to_epoch_us(end), billing_rules(date(2026, 11, 1)))
    {'2026-11': 3600, '2026-12': 7500}
    """
    result: dict[str, int] = {}
    shared, whole = 0, allocated_s(max(end_us - begin_us, 0), rules)
    for month_end_us in month_ends_us(begin_us):
        until = whole if end_us <= month_end_us else (month_end_us - begin_us) // US_PER_S
        if until > shared:
            result[f"{from_epoch_us(month_end_us - 1):%Y-%m}"] = until - shared
        shared = until
        if shared == whole:
            break
    return result


def snapstart_cache_ms(cached_us: int, rules: BillingRules) -> int:
    """Give the billed cache time of one published version [ms]: at least the shortest, whole milliseconds.

    References
    ----------
    AWS Lambda pricing page, SnapStart: three hours at least, per millisecond after that.

    Examples
    --------
    >>> from datetime import date
    >>> from lambdasim.catalog import billing_rules
    >>> hour_us = 3_600_000_000
    >>> [snapstart_cache_ms(us, billing_rules(date(2026, 11, 1))) for us in (1, 3 * hour_us, 3 * hour_us + 1)]
    [10800000, 10800000, 10800001]
    """
    return max(-(-cached_us // US_PER_MS), rules.snapstart_cache_min_s * MS_PER_S)


def ephemeral_billed_mb(ephemeral_mb: int, rules: BillingRules) -> int:
    """Give the part of /tmp that is charged for [MB]."""
    return max(ephemeral_mb - rules.ephemeral_included_mb, 0)
