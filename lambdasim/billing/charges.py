"""Sum usage into pools, each of which one price table applies to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from lambdasim.billing.rules import ephemeral_billed_mb
from lambdasim.billing.usage import Usage
from lambdasim.catalog import BillingRules, ChargeKind, CountedIn

MS_PER_S: Final = 1000
KB_PER_MB: Final = 1024


class PoolKey(NamedTuple):
    """What usage has to share to be priced together.

    Attributes
    ----------
    month, region, architecture : str
    kind : ChargeKind
    may_be_free : bool
        Whether the free tier applies to it.
    """

    month: str
    region: str
    architecture: str
    kind: ChargeKind
    may_be_free: bool


@dataclass(frozen=True)
class Pool:
    """Usage that is priced together, in the unit in which its kind is counted.

    Attributes
    ----------
    key : PoolKey
    by_function : Counter
        Count of each function, only above 0.
    """

    key: PoolKey
    by_function: Counter[str] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        """Sum over the functions."""
        return self.by_function.total()


def pools_of(
    usages: Iterable[Usage], rules: BillingRules, *, free_requests_for_provisioned: bool
) -> tuple[Pool, ...]:
    """Sum usage into pools by month, region, architecture and kind of charge.

    Parameters
    ----------
    usages : Iterable[Usage]
        Of months to which the rules apply.
    rules : BillingRules
    free_requests_for_provisioned : bool
        Whether requests on provisioned environments may be free, see ``price``.

    Returns
    -------
    tuple of Pool
        With a count above 0, ordered by key.
    """
    pools: dict[PoolKey, Pool] = {}
    for usage in usages:
        for kind, may_be_free, count in _counts(usage, rules):
            is_free_kind = may_be_free or (free_requests_for_provisioned and kind is ChargeKind.REQUEST)
            key = PoolKey(usage.month, usage.region, usage.architecture, kind, is_free_kind)
            if count:
                pools.setdefault(key, Pool(key)).by_function[usage.function] += count
    return tuple(pools[key] for key in sorted(pools))


def _counts(usage: Usage, rules: BillingRules) -> Iterator[tuple[ChargeKind, bool, int]]:
    """Yield kind, whether the free tier applies, and count of each charge of a row."""
    on_demand_ms = usage.on_demand_ms(rules)
    provisioned_ms = usage.provisioned_billed_ms + usage.provisioned_init_ms
    provisioned_requests = usage.provisioned_requests + usage.provisioned_extra_requests
    on_demand_requests = usage.requests + usage.extra_requests - provisioned_requests
    ephemeral_mb = ephemeral_billed_mb(usage.ephemeral_mb, rules)
    memory_mb = usage.memory_mb

    # AWS's printed example of managed instances charges all requests.
    yield ChargeKind.REQUEST, not usage.managed_s, on_demand_requests
    yield ChargeKind.REQUEST, False, provisioned_requests
    yield ChargeKind.DURATION, True, on_demand_ms * memory_mb
    yield ChargeKind.EPHEMERAL, False, (on_demand_ms + provisioned_ms) * ephemeral_mb
    yield ChargeKind.PC_IDLE, False, usage.provisioned_allocated_s * MS_PER_S * memory_mb
    yield ChargeKind.PC_DURATION, False, provisioned_ms * memory_mb
    yield ChargeKind.STREAMING, True, usage.streamed_bytes
    if rules.snapstart_is_billed(usage.runtime):
        yield ChargeKind.SNAPSTART_CACHE, False, usage.snapstart_cache_ms * memory_mb
        yield ChargeKind.SNAPSTART_RESTORE, False, usage.snapstart_restored_mb


def counted_per_billed_unit(counted_in: CountedIn, rules: BillingRules) -> int:
    """Give how many counted units make one billed unit: requests, GB-s or GB."""
    return {
        CountedIn.COUNT: 1,
        CountedIn.MB_MS: MS_PER_S * rules.mb_per_gb,
        CountedIn.MB: rules.mb_per_gb,
        CountedIn.BYTES: KB_PER_MB * KB_PER_MB * rules.mb_per_gb,
    }[counted_in]
