"""How pollers of queues and streams grow, look and wait: whole-number rules, one for both engines.

No function here keeps state or knows an engine, so that each can be called by the reference and compiled into the kernel.
"""

from __future__ import annotations

from typing import Final

_MOST_DOUBLINGS: Final = 40


def backoff_us(first_us: int, most_us: int, before: int) -> int:
    """Give the wait before another try: doubling from the first up to the greatest.

    Parameters
    ----------
    first_us, most_us : int
        The first wait, and the longest [µs].
    before : int
        Tries that failed before this one.

    Returns
    -------
    int
        Wait [µs].

    Notes
    -----
    Compared by shifting the greatest down, so that nothing grows beyond 64 bits.

    Examples
    --------
    >>> [backoff_us(1, 5, before) for before in range(4)]
    [1, 2, 4, 5]
    """
    doublings = min(before, _MOST_DOUBLINGS)
    if first_us <= most_us >> doublings:
        return first_us << doublings
    return most_us


def pollers_after_a_step(allowed: int, growth: int, most: int) -> int:
    """Give how many batches may be in progress at once after one more step of growth.

    Parameters
    ----------
    allowed, growth, most : int
        Batches allowed so far, added by a step, and allowed at most.

    Returns
    -------
    int
    """
    return min(allowed + growth, most)


def next_look_us(after_us: int, interval_us: int, offset_us: int) -> int:
    """Give the first moment of a poller's grid that is not before another [µs].

    Parameters
    ----------
    after_us : int
    interval_us : int
        Time between looks; 0 for one that looks all the time.
    offset_us : int
        When it looks first.

    Returns
    -------
    int

    Examples
    --------
    >>> next_look_us(7, 5, 1), next_look_us(6, 5, 1), next_look_us(7, 0, 0)
    (11, 6, 7)
    """
    if interval_us == 0:
        return after_us
    return after_us + (offset_us - after_us) % interval_us


def first_half(items: int) -> int:
    """Give how many items of a batch that is cut in two are in the first part, which is the smaller.

    Parameters
    ----------
    items : int

    Returns
    -------
    int
    """
    return items // 2


def calls_of(items: int, per_call: int) -> int:
    """Give how many calls move so many items.

    Parameters
    ----------
    items, per_call : int

    Returns
    -------
    int
    """
    return -(-items // per_call)


def requests_of(kb: int, call_kb: int) -> int:
    """Give what a call is billed as: one request for each started part of its payload.

    Parameters
    ----------
    kb : int
        What the call carries [KB].
    call_kb : int
        Size of a part; 0 where calls of any size are one request [KB].

    Returns
    -------
    int
        At least 1.

    References
    ----------
    Amazon SQS pricing: every 64 KB chunk of a payload is billed as 1 request.

    Examples
    --------
    >>> [requests_of(kb, 64) for kb in (0, 64, 65, 640)]
    [1, 1, 2, 10]
    """
    if call_kb == 0:
        return 1
    return max(-(-kb // call_kb), 1)


def fits(kb: int, more_kb: int, most_kb: int) -> bool:
    """Return whether a batch takes one more item: always the first, and others while the sum stays within the most.

    Parameters
    ----------
    kb, more_kb : int
        What the batch weighs, and what the item does [KB].
    most_kb : int
        What a batch weighs at most; 0 for any size [KB].

    Returns
    -------
    bool
    """
    return most_kb == 0 or kb == 0 or kb + more_kb <= most_kb


def receive_gap_us(calls: int, kb: int, units: int, calls_per_s: int, kb_per_s: int) -> int:
    """Give the least time from one receive of provisioned pollers to the next: by calls or by size, whichever binds.

    Parameters
    ----------
    calls, kb : int
        Calls that the receive takes, and what its messages weigh [KB].
    units : int
        Provisioned pollers.
    calls_per_s, kb_per_s : int
        What one of them takes in a second; at least 1.

    Returns
    -------
    int
        [µs], rounded up.

    Examples
    --------
    >>> receive_gap_us(1, 10, 2, 10, 1024), receive_gap_us(1, 256, 2, 10, 1024)
    (50000, 125000)
    """
    return max(-(-calls * 1_000_000 // (calls_per_s * units)), -(-kb * 1_000_000 // (kb_per_s * units)))
