"""What a function calls: other functions, for whose answers it waits or not, and destinations of its events."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lambdasim.catalog import timing
from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.fields import Duration, Flag, PositiveDuration, Share, Text, Whole


class CallHow(StrEnum):
    """How a function calls another."""

    SYNCHRONOUS = "synchronous"
    """Waits for the answer, and pays for the waiting."""
    ASYNCHRONOUS = "asynchronous"
    """Leaves the event in Lambda's queue."""
    TRIGGER = "trigger"
    """Through the trigger of the function that is called: its bucket, topic, bus, queue or stream."""


class CallWhen(StrEnum):
    """When a function calls another."""

    EACH_RUN = "each_run"
    """In every run, retries included, at the end of its own work."""
    SUCCEEDED = "succeeded"
    """Once when an asynchronous event has succeeded: an on-success destination."""
    FAILED = "failed"
    """Once when an asynchronous event has been given up: an on-failure destination, or a dead-letter queue. Of a queue
    for each message that goes to its dead-letter queue, of a stream for each batch that is given up."""


class RecursiveLoop(StrEnum):
    """What recursive loop detection does with a function's loops, as AWS names it."""

    TERMINATE = "terminate"
    ALLOW = "allow"


class CallSpec(Spec):
    """One call that a function makes of another."""

    function: Text
    """The function that is called; it may be the one that calls."""
    how: CallHow = CallHow.SYNCHRONOUS
    """synchronous waits for the answer; asynchronous does not; trigger goes through what triggers the function that is
    called (s3, sns, eventbridge, sqs, kinesis ...)."""
    when: CallWhen = CallWhen.EACH_RUN
    """each_run, at the end of a run's own work; succeeded or failed: once, when an asynchronous event has ended so."""
    probability: Share = 1.0
    """Share of runs, or of events, that make the call."""
    count: Annotated[Whole, Field(ge=1, le=10_000)] = 1
    """How often it is made then: fan-out."""
    at_once: Flag = False
    """Whether several synchronous calls are made side by side, and the run waits for the last answer: fan-in."""
    fails_run: Flag = True
    """Whether the run fails, as a function error, when a synchronous call does; false: the error is caught."""
    read_timeout_us: PositiveDuration | None = Field(default=None, alias="read_timeout")
    """After this time the SDK of a synchronous call gives up and calls again, while the function goes on; default 60s."""
    client_retries: Annotated[Whole, Field(ge=0, le=100)] | None = None
    """How often the SDK of a synchronous call repeats one that was throttled or not answered; default 2."""
    delay_us: Duration = Field(default=0, alias="delay")
    """Time until the event arrives, such as S3's notification."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want settings that go together."""
        waits = self.how is CallHow.SYNCHRONOUS
        for key, given in (
            ("read_timeout", self.read_timeout_us is not None),
            ("client_retries", self.client_retries is not None),
            ("at_once", self.at_once),
            ("fails_run", not self.fails_run),
        ):
            if given and not waits:
                yield CrossFault((key,), f"does not belong to a call that is {self.how.value}", (("how",),))
        if waits and self.when is not CallWhen.EACH_RUN:
            text = f"must be each_run for a synchronous call, got {self.when.value}: nobody waits when an event has ended"
            yield CrossFault(("when",), text, (("how",),))

    @property
    def waits_us(self) -> int:
        """How long a synchronous call waits before it is made again [µs]."""
        return self.read_timeout_us or timing("sdk_read_timeout_s").us
