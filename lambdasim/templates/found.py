"""What a template or an account export says of functions, whatever the file's own words for it.

Every importer fills these classes and nothing else; the writer of scenarios, ``estimate`` and ``--refresh`` read them.
They hold no value of an environment variable, no secret and no account id, so nothing written from them can.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from lambdasim.catalog import limit

_ACCOUNT: Final = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")


def without_accounts(text: str) -> str:
    """Return a text whose numbers of twelve digits, which account ids are, are masked.

    Examples
    --------
    >>> without_accounts("arn:aws:sqs:eu-west-1:123456789012:jobs")
    'arn:aws:sqs:eu-west-1:…:jobs'
    """
    return _ACCOUNT.sub("…", text)


class Given(StrEnum):
    """How a setting is known."""

    FILE = "file"
    """The file says it."""
    DEFAULT = "default"
    """The file does not say it, so the platform's documented default holds."""
    ASSUMED = "assumed"
    """The file says it in a way that only a deployment resolves; a value was taken."""


@dataclass(frozen=True)
class FoundQueue:
    """Settings of an SQS queue that decide what happens to messages.

    Attributes
    ----------
    name : str
        As the file calls it.
    fifo : bool
    visibility_s : int or None
        Visibility timeout [s]; None where the file does not say, and SQS's default holds.
    max_receives : int or None
        Receives before a message goes to the dead-letter queue; None where there is none.
    retention_s : int or None
        How long a message is kept [s].
    delay_s : int or None
        Delay of delivery [s].
    """

    name: str = ""
    fifo: bool = False
    visibility_s: int | None = None
    max_receives: int | None = None
    retention_s: int | None = None
    delay_s: int | None = None


@dataclass(frozen=True)
class FoundSource:
    """One thing that invokes a function.

    Attributes
    ----------
    type : str
        A trigger type of scenarios: ``api_gateway_http``, ``sqs``, ``schedule`` ...
    label : str
        What the file calls it, with its kind: ``HttpApi Get``, ``queue Orders``.
    schedules : tuple of str
        Expressions as EventBridge writes them, a time zone behind one that is not in UTC; only of schedules.
    enabled : bool
    integration_timeout_s : float or None
        After this the gateway answers and the function goes on [s].
    asynchronous : bool
        Whether a gateway hands the event over without waiting.
    batch_size : int or None
        Most items of a batch.
    window_s : float or None
        How long a poller gathers a batch [s].
    maximum_concurrency : int or None
        Most concurrent batches of a queue's mapping.
    minimum_pollers, maximum_pollers : int or None
        Provisioned pollers.
    partial_failures : bool
        Whether the function reports the failed items of a batch.
    parallelization : int or None
        Batches at the same time from one shard.
    shards : int or None
        Shards of the stream; None on demand or unknown.
    on_demand, fan_out : bool
        Whether a Kinesis stream is paid for by its data; whether a consumer of its own reads it.
    tumbling_s : int or None
        Tumbling window of a stream [s].
    retry_attempts : int or None
        Most retries of a failed batch; -1 until its items expire.
    record_age_s : int or None
        Age at which a stream's record is given up [s]; -1 for never.
    bisect : bool
        Whether a failed batch of a stream is split.
    on_failure : bool
        Whether what was given up goes to a destination.
    filtered : bool
        Whether a filter leaves items out before an invocation.
    queue : FoundQueue or None
        Where the items come from, for ``sqs``.
    stands_for : str
        The kind of source in the file's words where ours only stands in for it; empty where it is the same.
    """

    type: str
    label: str
    schedules: tuple[str, ...] = ()
    enabled: bool = True
    integration_timeout_s: float | None = None
    asynchronous: bool = False
    batch_size: int | None = None
    window_s: float | None = None
    maximum_concurrency: int | None = None
    minimum_pollers: int | None = None
    maximum_pollers: int | None = None
    partial_failures: bool = False
    parallelization: int | None = None
    shards: int | None = None
    on_demand: bool = False
    fan_out: bool = False
    tumbling_s: int | None = None
    retry_attempts: int | None = None
    record_age_s: int | None = None
    bisect: bool = False
    on_failure: bool = False
    filtered: bool = False
    queue: FoundQueue | None = None
    stands_for: str = ""


@dataclass(frozen=True)
class FoundProvisioned:
    """Provisioned concurrency.

    Attributes
    ----------
    count : int
        Environments.
    schedule : str or None
        When it begins, again and again; None from the beginning.
    """

    count: int
    schedule: str | None = None


@dataclass(frozen=True)
class FoundMeasured:
    """What was measured of a function; each None or empty where nobody exported it.

    Attributes
    ----------
    counts : tuple of (int, int) or None
        First second of an interval [s since 1970] with the events that arrived in it, those above 0, in order.
    interval_s : int
        Length of an interval [s].
    counted : str
        What was counted, for comments.
    durations_ms : tuple of float
        Equally likely durations of a run, in order [ms].
    durations_from : str
        What they come from.
    cpu_share : float or None
        CPU time over duration, of one vCPU's time at this memory size.
    error_probability, timeout_probability : float
    init_ms : tuple of (float, float) or None
        Median and 95th percentile of INIT [ms].
    memory_used_mb : float or None
        The most that a run used [MB].
    one_for_batch : bool
        Whether the events counted are batches, so that a message stands for each.
    repeats_counted : bool
        Whether the events counted are calls, of which a client's repeats are some.
    """

    counts: tuple[tuple[int, int], ...] | None = None
    interval_s: int = 300
    counted: str = ""
    durations_ms: tuple[float, ...] = ()
    durations_from: str = ""
    cpu_share: float | None = None
    error_probability: float = 0.0
    timeout_probability: float = 0.0
    init_ms: tuple[float, float] | None = None
    memory_used_mb: float | None = None
    one_for_batch: bool = False
    repeats_counted: bool = False


@dataclass(frozen=True)
class FoundFunction:
    """A function as a file describes it; numbers as found, also where the platform would not take them.

    Attributes
    ----------
    resource : str
        Its id in the file: logical id, Terraform address, key.
    name : str
        Its name in AWS where the file says it, else taken from ``resource``.
    memory_mb, timeout_s : int
    architecture : str
        ``x86_64`` or ``arm64``.
    runtime : str or None
        None for a container image, or where the file does not say.
    package_type : str
        ``zip`` or ``image``.
    ephemeral_mb : int
    package_bytes : int or None
        Zipped code [bytes]; known to accounts, not to templates.
    layers : int
    vpc, snap_start : bool
    environment_bytes : int
        UTF-8 length of names and values [bytes]; a value that only a deployment knows counts 64.
    reserved_concurrency : int or None
    provisioned : tuple of FoundProvisioned
    retry_attempts, max_event_age_s : int or None
        Of asynchronous events.
    on_failure : str
        ``none``, ``dlq`` or ``destination``: where an asynchronous event goes that was given up.
    sources : tuple of FoundSource
        Each thing that invokes it, in the order of the file.
    requests_per_month, duration_ms : float or None
        Traffic and mean duration [ms], where a file of usage says them; templates do not.
    measured : FoundMeasured or None
        What CloudWatch, logs or Compute Optimizer say of its traffic and runs; only of accounts.
    tags : tuple of (str, str)
    given : dict
        How ``memory_mb``, ``timeout_s``, ``architecture`` and others are known; the file where absent.
    notes : tuple of str
        What a reader should know of this function.
    """

    resource: str
    name: str
    memory_mb: int = limit("memory_default_mb").value
    timeout_s: int = limit("timeout_default_s").value
    architecture: str = "x86_64"
    runtime: str | None = None
    package_type: str = "zip"
    ephemeral_mb: int = limit("ephemeral_default_mb").value
    package_bytes: int | None = None
    layers: int = 0
    vpc: bool = False
    snap_start: bool = False
    environment_bytes: int = 0
    reserved_concurrency: int | None = None
    provisioned: tuple[FoundProvisioned, ...] = ()
    retry_attempts: int | None = None
    max_event_age_s: int | None = None
    on_failure: str = "none"
    sources: tuple[FoundSource, ...] = ()
    requests_per_month: float | None = None
    duration_ms: float | None = None
    measured: FoundMeasured | None = None
    tags: tuple[tuple[str, str], ...] = ()
    given: dict[str, Given] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def with_sources(self, *more: FoundSource) -> FoundFunction:
        """Return a copy that these invoke too."""
        return replace(self, sources=(*self.sources, *more))


@dataclass(frozen=True)
class Remark:
    """One thing of a file that a reader should know, by resource.

    Attributes
    ----------
    resource : str
        Where in the file: a resource, or a file and its line.
    text : str
        What is so, and what was done about it.
    """

    resource: str
    text: str

    def __str__(self) -> str:
        """Return both as one line."""
        return f"{self.resource}: {self.text}" if self.resource else self.text


@dataclass(frozen=True)
class Found:
    """Everything that one import found.

    Attributes
    ----------
    kind : str
        What the file is: ``SAM template``, ``Terraform plan`` ...
    origin : str
        Name of the file, without folders.
    functions : tuple of FoundFunction
        Sorted by nothing: the order of the file.
    region : str or None
        Where the file says it.
    left_out : tuple of Remark
        Functions that run only at a deployment.
    not_modelled : tuple of Remark
        What the simulation does not know, by resource.
    unresolved : tuple of Remark
        What only a deployment resolves, and what was taken for it.
    warnings : tuple of Remark
        What is odd in the file and was read all the same.
    window : tuple of (int, int) or None
        What traffic was counted in, first moment and end [s since 1970]; the scenario's time.
    account_concurrency : int or None
        The account's limit, where it is known.
    counted : dict or None
        What CloudWatch counted, to be held beside a simulation; see ``account.counted``.
    """

    kind: str
    origin: str
    functions: tuple[FoundFunction, ...]
    region: str | None = None
    left_out: tuple[Remark, ...] = ()
    not_modelled: tuple[Remark, ...] = ()
    unresolved: tuple[Remark, ...] = ()
    warnings: tuple[Remark, ...] = ()
    window: tuple[int, int] | None = None
    account_concurrency: int | None = None
    counted: dict[str, Any] | None = None


UNKNOWN_VALUE_BYTES: Final = 64
"""What a value of an environment variable counts that only a deployment knows [bytes]."""


def environment_bytes(names_and_values: dict[str, object]) -> int:
    """Return the size of environment variables, of which nothing else is kept.

    Parameters
    ----------
    names_and_values : dict
        Values that are not text, number or true and false count 64 bytes.

    Returns
    -------
    int
        UTF-8 length of all names and values [bytes].

    Examples
    --------
    >>> environment_bytes({"STAGE": "prod", "TABLE": {"Ref": "Orders"}})
    78
    """
    total = 0
    for name, value in names_and_values.items():
        plain = isinstance(value, str | int | float)
        total += len(str(name).encode("utf-8", "replace"))
        total += len(str(value).encode("utf-8", "replace")) if plain else UNKNOWN_VALUE_BYTES
    return total
