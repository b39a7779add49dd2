"""The account's limits, and what is assumed of the platform."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from lambdasim.catalog import limit, timing
from lambdasim.specs.base import Spec
from lambdasim.specs.callers.clients import ThrottleSpec
from lambdasim.specs.fields import Duration, PositiveDuration, Whole


class Reuse(StrEnum):
    """Which idle environment serves next."""

    MOST_RECENTLY_USED = "most_recently_used"
    LEAST_RECENTLY_USED = "least_recently_used"
    NEWEST_CREATED = "newest_created"


class AfterFailure(StrEnum):
    """What becomes of an environment whose run ended as a crash, a timeout or out of memory."""

    INIT_INSIDE = "init_inside"
    KEPT = "kept"
    REPLACED = "replaced"


class AccountSpec(Spec):
    """Limits of the account in its region."""

    concurrency: Annotated[Whole, Field(ge=0, le=10_000_000)] = limit("account_concurrency_default").value
    """Concurrent executions."""
    scaling_burst: Annotated[Whole, Field(ge=1, le=1_000_000)] = timing("scaling_burst").value
    """New environments of a function at once."""
    scaling_interval_us: PositiveDuration = Field(
        default=timing("scaling_interval_s").us, alias="scaling_interval"
    )
    """Time in which as many come back."""
    gateway: ThrottleSpec | None = None
    """What API Gateway lets through for the whole account, over all its APIs; AWS's default is 10,000 a second and 5,000
    at once. Not simulated unless given; the command limits holds requests against it all the same."""
    request_rate_factor: Annotated[Whole, Field(ge=1, le=1000)] = limit("request_rate_per_concurrency").value
    """Synchronous requests per second for each unit of concurrency."""


class PlatformSpec(Spec):
    """What AWS does not publish, or leaves to it."""

    keep_alive_us: Duration | Literal["measured-2025"] = Field(default="measured-2025", alias="keep_alive")
    """How long an idle environment stays warm."""
    max_lifetime_us: PositiveDuration | None = Field(
        default=timing("environment_max_life_s").us, alias="max_lifetime"
    )
    """Age at which an environment takes no more work; null for no limit."""
    reuse: Reuse = Reuse.MOST_RECENTLY_USED
    """Which idle environment serves next."""
    after_failure: AfterFailure = AfterFailure.INIT_INSIDE
    """An environment after a crash, a timeout or out of memory: INIT inside the next run, as AWS says; kept; replaced."""
    most_calls: Annotated[Whole, Field(ge=1, le=100_000_000)] = 20_000_000
    """Calls between functions that a run may make: one that makes more is refused, since a loop may have no end."""
    requests_per_environment: Literal[1] = 1
    """Requests that one environment serves at once; only 1 is modelled."""
    provisioned_preparation_us: Duration = Field(
        default=timing("provisioned_preparation_s").us, alias="provisioned_preparation"
    )
    """Time before provisioned environments begin to be allocated."""
