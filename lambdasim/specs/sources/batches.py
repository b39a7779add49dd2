"""What the mappings of queues and streams have in common: batches, and what a batch takes."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from lambdasim.catalog import limit
from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.fields import Duration, Flag, Real, Share
from lambdasim.specs.laws import FixedLaw, Law
from lambdasim.units import US_PER_S, format_duration


class Answer(StrEnum):
    """What a function with ReportBatchItemFailures answers when something failed."""

    NAMED = "named"
    """``{"batchItemFailures": [{"itemIdentifier": "id"}]}`` with what failed."""
    NULL = "null"
    """Nothing at all: complete success."""
    EMPTY_OBJECT = "empty_object"
    """``{}``: complete success."""
    EMPTY_LIST = "empty_list"
    """``{"batchItemFailures": []}``: complete success."""
    NULL_LIST = "null_list"
    """``{"batchItemFailures": null}``: complete success."""
    NOT_JSON = "not_json"
    """Text that is no JSON: complete failure."""
    EMPTY_IDENTIFIER = "empty_identifier"
    """An itemIdentifier of ``""``: complete failure."""
    NULL_IDENTIFIER = "null_identifier"
    """An itemIdentifier of ``null``: complete failure."""
    WRONG_KEY = "wrong_key"
    """A misspelt itemIdentifier: complete failure."""
    UNKNOWN_IDENTIFIER = "unknown_identifier"
    """An identifier that the batch does not have: complete failure."""
    EXCEPTION = "exception"
    """An unhandled exception: complete failure."""


SUCCESSES: Final = frozenset({Answer.NULL, Answer.EMPTY_OBJECT, Answer.EMPTY_LIST, Answer.NULL_LIST})
"""Answers that count as complete success.

References
----------
AWS Lambda Developer Guide, Implementing partial batch responses (services-sqs-errorhandling and
services-kinesis-batchfailure).
"""


class BatchSpec(Spec):
    """How messages or records are put together, and what is particular to running them so."""

    batch_window_us: Duration = Field(default=0, alias="batch_window")
    """How long a batch that is not full waits for more, in whole seconds."""
    partial_failures: Flag = False
    """Whether the function names what failed (ReportBatchItemFailures); otherwise one failure fails the batch."""
    batch_overhead_ms: Law = FixedLaw(fixed=0)
    """Handler time of a batch beyond that of its messages or records, of which each takes what ``work`` says [ms]."""
    poison_share: Share = 0.0
    """Share of messages or records that fail however often they are tried."""
    answer: Answer = Answer.NAMED
    """With partial_failures, what the function answers when something failed: ``named`` is the list of what failed; the
    other spellings count as complete success or complete failure, whatever was meant."""
    filtered_share: Share = 0.0
    """Share of messages or records that fit no filter of the mapping: never invoked for; a queue's are deleted."""
    skew: Annotated[Real, Field(ge=0, le=5)] = 0.0
    """How unevenly message groups or shards are used: the k-th gets a share in proportion to k^-skew; 0 is even."""

    @property
    def names_failures(self) -> bool:
        """Whether only what failed is tried again."""
        return self.partial_failures and self.answer is Answer.NAMED

    @property
    def swallows_failures(self) -> bool:
        """Whether nothing that failed is tried again, since the answer is taken for success."""
        return self.partial_failures and self.answer in SUCCESSES

    @property
    def reports_failures(self) -> bool:
        """Whether a run of which items fail counts as a success: the function answers, whatever its answer says."""
        return self.partial_failures and self.answer is not Answer.EXCEPTION

    def window_faults(self, whole_seconds: bool = True) -> Iterator[CrossFault]:
        """Want a window that AWS takes, and an answer only where one is read."""
        most = limit("batch_window_max_s")
        if self.answer is not Answer.NAMED and not self.partial_failures:
            yield CrossFault(
                ("answer",), "is read with partial_failures: true alone", (("partial_failures",),)
            )
        if self.batch_window_us > most.us or (whole_seconds and self.batch_window_us % US_PER_S):
            got = format_duration(self.batch_window_us)
            text = f"must be whole seconds up to {most.value}, got {got} ({most.citation()})"
            yield CrossFault(("batch_window",), text)
