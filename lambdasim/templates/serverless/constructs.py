"""Constructs of the Lift plugin in serverless.yml: the functions that they add, in the framework's own words.

References
----------
Documentation of Lift, "Queue" and "Webhook", seen November 2026: a queue has a worker, which takes one message at a time
unless told otherwise, hides messages for six times the worker's timeout and gives them up after three tries.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from lambdasim.catalog.guesses import serverless_defaults
from lambdasim.templates.cloudformation.values import at, whole

_WITHOUT: Final = frozenset({"storage", "static-website", "vpc", "database/dynamodb-single-table"})
"""Constructs that add no function."""
_TRIES: Final = 3
_HIDDEN_TIMES: Final = 6


@dataclass
class Constructs:
    """What the constructs of a service add to it.

    Attributes
    ----------
    functions : dict
        By key, as ``functions`` has them.
    resources : dict
        By logical id, as ``resources`` has them.
    others : list of str
        Constructs that may add functions which no file shows.
    """

    functions: dict[str, Any] = field(default_factory=dict)
    resources: dict[str, Any] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)


def constructs_of(said: Any, timeout: Any) -> Constructs:
    """Write what the constructs of a service add.

    Parameters
    ----------
    said : object
        The section ``constructs``, resolved.
    timeout : object
        Of the provider [s], which holds for a worker that names none.

    Returns
    -------
    Constructs
    """
    found = Constructs()
    for name, one in said.items() if isinstance(said, dict) else ():
        kind, worker, authorizer = at(one, "type"), at(one, "worker"), at(one, "authorizer")
        if kind == "queue" and isinstance(worker, dict):
            _add_queue(found, name, one, worker, timeout)
        elif kind == "webhook":
            if isinstance(authorizer, dict):
                found.functions[f"{name}Authorizer"] = authorizer
        elif kind not in _WITHOUT:
            found.others.append(name)
    return found


def _add_queue(
    found: Constructs, name: str, said: dict[str, Any], worker: dict[str, Any], timeout: Any
) -> None:
    queue = f"{name[:1].upper()}{name[1:]}Queue"
    window_s = whole(said.get("maxBatchingWindow")) or 0
    runs_s = whole(worker.get("timeout", timeout)) or serverless_defaults()[1]
    tries = whole(said.get("maxRetries"))
    event = {
        "arn": {"Fn::GetAtt": [queue, "Arn"]},
        "batchSize": said.get("batchSize", 1),
        "maximumBatchingWindow": window_s or None,
        "maximumConcurrency": said.get("maxConcurrency"),
    }
    held = {key: value for key, value in event.items() if value is not None}
    found.functions[f"{name}Worker"] = {**worker, "events": [{"sqs": held}]}
    settings = {
        "VisibilityTimeout": _HIDDEN_TIMES * runs_s + window_s,
        "FifoQueue": True if said.get("fifo") is True else None,
        "DelaySeconds": said.get("delay"),
        "RedrivePolicy": {"deadLetterTargetArn": f"{queue}Failed", "maxReceiveCount": tries or _TRIES},
    }
    found.resources[queue] = {
        "Type": "AWS::SQS::Queue",
        "Properties": {key: value for key, value in settings.items() if value is not None},
    }
