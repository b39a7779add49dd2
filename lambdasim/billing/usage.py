"""What was used, as whole numbers: the only thing that billing knows of a simulation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from lambdasim.catalog import BillingRules
from lambdasim.errors import InputError
from lambdasim.wording import clipped

if TYPE_CHECKING:
    from lambdasim.specs.function import FunctionSpec

ARCHITECTURES: Final = ("x86_64", "arm64")
PACKAGE_TYPES: Final = ("zip", "image")
JSON_FORMAT: Final = "lambdasim-usage-1"
_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_COUNT_MAX: Final = (1 << 63) - 1
_PARTS: Final = (
    ("provisioned_requests", "requests"),
    ("provisioned_extra_requests", "extra_requests"),
    ("billed_ms_without_init", "billed_ms_with_init"),
)


@dataclass(frozen=True)
class Usage:
    """Usage of one function with one configuration in one month.

    Attributes
    ----------
    month : str
        ``YYYY-MM`` in UTC.
    region, function : str
    architecture : str
        ``x86_64`` or ``arm64``.
    memory_mb, ephemeral_mb : int
        Configured memory and /tmp [MB].
    package_type : str
        ``zip`` or ``image``.
    runtime : str
        AWS's identifier, such as ``python3.13``.
    snap_start : bool
    requests : int
        Started attempts, on demand and on provisioned environments; throttled ones are not started.
    provisioned_requests : int
        Those of them that ran on provisioned environments.
    extra_requests : int
        Further requests counted for large asynchronous events, on demand and on provisioned environments.
    billed_ms_with_init, billed_ms_without_init : int
        Sum over the on-demand attempts of each one's ceiling, with INIT (or the billed part of a restore) in it
        and without [ms]. Both, so that another date's rule needs no new simulation.
    provisioned_billed_ms : int
        Sum of billed durations on provisioned environments [ms].
    provisioned_init_ms : int
        INIT of provisioned environments, used or not [ms].
    provisioned_allocated_s : int
        Environments times seconds allocated, each allocation already rounded up to the billing step [s].
    snapstart_restored_mb : int
        Memory size times restores [MB].
    snapstart_cache_ms : int
        Cached time of published versions, least time included [ms].
    streamed_bytes : int
        Above the free part of each response [bytes].
    provisioned_extra_requests : int
        Those of the further requests whose event ran on a provisioned environment.
    calls : int
        At the trigger: attempts of a synchronous caller, refused ones too, or asynchronous events, in the chunks in which
        the trigger's meter counts sizes; calls to a queue, empty receives too; records of a stream. A retry is no further
        call. Where left out, the attempts that came through the trigger.
    payload_kb : int
        Requests and responses of a synchronous caller, or records of a stream, each at least 1 KB [KB].
    elapsed_s : int
        The scenario's time in the month [s].
    init_cut_ms : int
        INIT on demand that was cut off at its cap and ran again inside the invocation; the first part is not charged,
        and a bill says so [ms].
    poller_s : int
        Units of provisioned pollers times the time for which they are held [s].
    direct_requests : int
        Started attempts that another function or a state machine made, past the trigger.
    transitions, express_requests, express_mb_ms : int
        Of the scenario's state machines, whichever row has them: transitions of standard ones, executions of express
        ones, and their memory in steps of 64 MB times their durations in steps of 100 ms [MB ms].
    durable_executions, durable_s : int
        Executions of a durable function, and the sum of their durations [s].
    tenant_mb : int
        Memory size times new environments, of a function with tenant isolation [MB].
    managed_s : int
        Time of instances, of a function on managed instances [s].
    busy_s : int
        Seconds in which any of its runs started; 0 where that is not known [s].
    busy_any_s : int
        Seconds in which any function's runs started of those that sample traces by default, whichever row has them [s].
    """

    month: str
    region: str
    function: str
    architecture: str
    memory_mb: int
    ephemeral_mb: int
    package_type: str
    runtime: str
    snap_start: bool = False
    requests: int = 0
    provisioned_requests: int = 0
    extra_requests: int = 0
    billed_ms_with_init: int = 0
    billed_ms_without_init: int = 0
    provisioned_billed_ms: int = 0
    provisioned_init_ms: int = 0
    provisioned_allocated_s: int = 0
    snapstart_restored_mb: int = 0
    snapstart_cache_ms: int = 0
    streamed_bytes: int = 0
    provisioned_extra_requests: int = 0
    calls: int = cast("int", None)  # left out, it is taken from the attempts
    payload_kb: int = 0
    elapsed_s: int = 0
    init_cut_ms: int = 0
    poller_s: int = 0
    direct_requests: int = 0
    transitions: int = 0
    express_requests: int = 0
    express_mb_ms: int = 0
    durable_executions: int = 0
    durable_s: int = 0
    tenant_mb: int = 0
    managed_s: int = 0
    busy_s: int = 0
    busy_any_s: int = 0

    def __post_init__(self) -> None:
        """Check every value.

        Raises
        ------
        InputError
            Naming the field, the value and what is allowed.
        """
        for name in ("region", "function", "runtime"):
            self._require(isinstance(getattr(self, name), str), name, "text")
        self._require(is_month(self.month), "month", "a month such as 2026-11")
        self._require(self.architecture in ARCHITECTURES, "architecture", " or ".join(ARCHITECTURES))
        self._require(self.package_type in PACKAGE_TYPES, "package_type", " or ".join(PACKAGE_TYPES))
        self._require(isinstance(self.snap_start, bool), "snap_start", "true or false")
        for name in ("memory_mb", "ephemeral_mb"):
            self._require(
                _is_count(getattr(self, name)) and getattr(self, name) > 0, name, "a whole number above 0"
            )
        if cast("int | None", self.calls) is None:
            through_trigger = _is_count(self.requests) and _is_count(self.direct_requests)
            calls = max(self.requests - self.direct_requests, 0) if through_trigger else 0
            object.__setattr__(self, "calls", calls)
        for name in COUNTERS:
            self._require(_is_count(getattr(self, name)), name, f"a whole number from 0 to {_COUNT_MAX}")
        for part, whole in _PARTS:
            most = getattr(self, whole)
            self._require(getattr(self, part) <= most, part, f"at most {whole}, {most}")

    def _require(self, is_good: bool, name: str, allowed: str) -> None:
        """Raise the fault of a field."""
        if not is_good:
            value = repr(getattr(self, name))[:40]
            raise InputError.single(
                f"usage of {str(self.function)[:40]!r}", name, f"must be {allowed}, got {value}"
            )

    @property
    def key(self) -> tuple[str | int | bool, ...]:
        """What distinguishes rows: everything that is not counted."""
        return tuple(getattr(self, field.name) for field in fields(self) if field.name not in COUNTERS)

    @classmethod
    def of_function(cls, spec: FunctionSpec, region: str, month: str, **counts: int) -> Usage:
        """Make the row of a function as it is configured.

        Parameters
        ----------
        spec : FunctionSpec
        region : str
        month : str
            ``YYYY-MM`` in UTC.
        **counts : int
            Of ``COUNTERS``; where left out 0, and calls as in ``Usage``.

        Returns
        -------
        Usage

        Raises
        ------
        InputError
            When a count is not allowed.
        """
        return cls(
            month=month,
            region=region,
            function=spec.name,
            architecture=spec.architecture.value,
            memory_mb=spec.memory_mb,
            ephemeral_mb=spec.ephemeral_mb,
            package_type=spec.package_type.value,
            runtime=spec.runtime,
            snap_start=spec.snap_start is not None,
            **counts,
        )

    def on_demand_ms(self, rules: BillingRules) -> int:
        """Return what is billed of the on-demand attempts: with INIT where the rules say so [ms].

        Parameters
        ----------
        rules : BillingRules
            Of the day that is billed.

        Returns
        -------
        int
            [ms].
        """
        if rules.init_is_billed(self.package_type, self.runtime, self.snap_start):
            return self.billed_ms_with_init
        return self.billed_ms_without_init

    def __add__(self, other: Usage) -> Usage:
        """Add the counts of a row with the same key.

        Raises
        ------
        ValueError
            When the rows differ in anything but counts.
        """
        if self.key != other.key:
            raise ValueError(f"rows of different usage cannot be added: {self.key} and {other.key}")
        return replace(self, **{name: getattr(self, name) + getattr(other, name) for name in COUNTERS})


COUNTERS: Final = tuple(
    field.name for field in fields(Usage) if field.default in (0, None) and field.name != "snap_start"
)
BY_TIME: Final = (
    "provisioned_init_ms",
    "provisioned_allocated_s",
    "snapstart_cache_ms",
    "elapsed_s",
    "poller_s",
    "managed_s",
)
"""Counters that grow with time, not with traffic."""
_KEY_FIELDS: Final = tuple(field.name for field in fields(Usage) if field.name not in COUNTERS)


def pool(usages: Iterable[Usage]) -> tuple[Usage, ...]:
    """Add up rows of the same key; the result is ordered by key.

    Parameters
    ----------
    usages : Iterable[Usage]

    Returns
    -------
    tuple of Usage

    Examples
    --------
    >>> row = Usage("2026-11", "us-east-1", "f", "arm64", 128, 512, "zip", "python3.13", requests=2)
    >>> [pooled.requests for pooled in pool([row, row])]
    [4]
    """
    found: dict[tuple[str | int | bool, ...], Usage] = {}
    for usage in usages:
        found[usage.key] = found[usage.key] + usage if usage.key in found else usage
    return tuple(found[key] for key in sorted(found))


def to_json(usages: Iterable[Usage]) -> str:
    """Write usage as JSON text, pooled and ordered, so that equal usage gives equal text."""
    rows = [asdict(usage) for usage in pool(usages)]
    return json.dumps({"format": JSON_FORMAT, "usage": rows}, indent=1) + "\n"


def from_json(text: str, where: str = "usage") -> tuple[Usage, ...]:
    """Read usage from JSON text.

    Parameters
    ----------
    text : str
        As ``to_json`` writes it.
    where : str
        Name of the file, for messages.

    Returns
    -------
    tuple of Usage

    Raises
    ------
    InputError
        When the text is not such JSON, or a value is not allowed.
    """
    try:
        content = json.loads(text, parse_float=_no_fraction, parse_constant=_no_fraction)
    except (ValueError, RecursionError) as error:
        raise InputError.single(where, "", f"is not JSON with whole numbers: {str(error)[:120]}") from None
    if not isinstance(content, dict) or content.get("format") != JSON_FORMAT:
        raise InputError.single(where, "format", f"must be an object with format {JSON_FORMAT!r}")
    rows = content.get("usage")
    if not isinstance(rows, list):
        raise InputError.single(where, "usage", "must be a list of rows")
    return tuple(_row(row, f"{where}, row {number}") for number, row in enumerate(rows, start=1))


def _row(row: Any, where: str) -> Usage:
    """Make a row of a decoded object."""
    if not isinstance(row, dict):
        raise InputError.single(where, "", f"must be an object, got {repr(row)[:40]}")
    known = {field.name for field in fields(Usage)}
    unknown = sorted(set(row) - known)
    if unknown:
        raise InputError.single(
            where, clipped(unknown[0], 40), f"unknown; known are {', '.join(sorted(known))}"
        )
    missing = [name for name in _KEY_FIELDS if name not in row]
    if missing:
        raise InputError.single(where, missing[0], "is missing")
    try:
        return Usage(**row)
    except InputError as error:
        fault = error.faults[0]
        raise InputError.single(where, fault.field, fault.message) from None


def _no_fraction(text: str) -> NoReturn:
    """Refuse numbers that are not whole."""
    raise ValueError(f"a number must be whole, got {text[:40]}")


def is_month(value: object) -> bool:
    """Return whether a value is a month such as ``2026-11``."""
    return isinstance(value, str) and _MONTH.fullmatch(value) is not None


def _is_count(value: object) -> bool:
    """Return whether a value is a whole number that fits 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _COUNT_MAX
