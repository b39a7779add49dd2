"""Says in lambdasim's own words what is wrong with a value: what was got, and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from lambdasim.wording import clipped, listed

_SURE: Final = 0.8
_ALIKE: Final = 0.7
_WORD: Final = re.compile("[A-Z]?[a-z]+|[A-Z]+")
_UNITS: Final = frozenset({"us", "ms", "s", "sec", "seconds", "mb", "kb", "gb", "bytes", "per", "size", "in"})
_MEANINGS: Final = {
    "median": ("p50",),
    "average": ("mean",),
    "avg": ("mean",),
    "mean": ("mean",),
    "p50": ("p50",),
    "memory_size": ("memory_mb",),
    "ram": ("memory_mb",),
    "arch": ("architecture",),
    "architectures": ("architecture",),
    "rps": ("rate_per_s",),
}
"""What people call a key, and the keys that mean the same; a word that is near one of these is no other's misspelling."""
FAULT: Final = "fault"
_SHOWN_CHARS: Final = 40
_LISTED_NAMES: Final = 40
_KIND_OF: Final = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "finite_number": "a finite number",
    "datetime_type": "a moment with an offset from UTC, such as 2026-11-01T00:00:00Z",
    "datetime_parsing": "a moment with an offset from UTC, such as 2026-11-01T00:00:00Z",
    "datetime_from_date_parsing": "a moment with an offset from UTC, such as 2026-11-01T00:00:00Z",
    "datetime_object_invalid": "a moment with an offset from UTC, such as 2026-11-01T00:00:00Z",
    "timezone_aware": "a moment with an offset from UTC, such as 2026-11-01T00:00:00Z",
    "date_type": "a date, such as 2026-11-01",
    "date_parsing": "a date, such as 2026-11-01",
    "date_from_datetime_parsing": "a date, such as 2026-11-01",
    "date_from_datetime_inexact": "a date, such as 2026-11-01",
}
_BOUND: Final = {
    "greater_than": "greater than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
}
_ELSE: Final = (
    (
        (re.compile(r"AWS::Serverless(-2016-10-31|::)"),),
        "a SAM template; lambdasim import makes a scenario of it",
    ),
    (
        (re.compile(r"^[ \t]*\"?Resources\"?[ \t]*:", re.MULTILINE), re.compile("AWS::")),
        "a CloudFormation template; lambdasim import makes a scenario of it",
    ),
    (
        (re.compile(r"\"(planned_values|terraform_version)\"\s*:"),),
        "Terraform's JSON; lambdasim import makes a scenario of it",
    ),
    (
        (re.compile(r"^(resource_usage|resource_type_default_usage)\s*:", re.MULTILINE),),
        "an Infracost usage file; lambdasim import takes it with --usage",
    ),
    (
        (re.compile(r"^provider\s*:", re.MULTILINE), re.compile(r"^functions\s*:", re.MULTILINE)),
        "a serverless.yml; lambdasim import makes a scenario of it",
    ),
)
_OWN: Final = re.compile(r"^\"?(start|duration)\"?\s*:", re.MULTILINE)


def shown(value: object) -> str:
    """Write a value for a message, never at length.

    Examples
    --------
    >>> shown("30 parsecs"), shown(None), shown([1, 2, 3])
    ("'30 parsecs'", 'nothing', 'a list')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, int) and value.bit_length() > 4 * _SHOWN_CHARS:
        return f"a number of {value.bit_length()} bits"
    text = repr(value[: _SHOWN_CHARS + 1]) if isinstance(value, str) else repr(value)
    return clipped(text, _SHOWN_CHARS)


def one_of(names: Iterable[str]) -> str:
    """Write a list of allowed names, cut where it is long."""
    return listed(names, _LISTED_NAMES)


def did_you_mean(got: object, names: Iterable[str]) -> str:
    """Suggest the nearest allowed name that can mean the same, or nothing.

    Examples
    --------
    >>> did_you_mean("memory", ["memory_mb", "timeout"])
    '; did you mean memory_mb?'
    >>> did_you_mean("median", ["mean", "p50", "p95"])
    '; did you mean p50?'
    >>> did_you_mean("p99", ["p50", "mean", "p95"])
    ''
    """
    allowed = list(names)
    word = str(got)[:_SHOWN_CHARS]
    known = get_close_matches(word.lower(), _MEANINGS, n=1, cutoff=_SURE)
    if known:
        same = [name for name in _MEANINGS[known[0]] if name in allowed]
        return f"; did you mean {same[0]}?" if same else ""
    near = [name for name in get_close_matches(word, allowed, n=len(allowed) or 1) if _may_be(word, name)]
    return f"; did you mean {near[0]}?" if near else ""


def _may_be(got: str, name: str) -> bool:
    """Say whether two names can be one: word for word alike, the same numbers, and only units more or less."""
    numbers = [re.findall("[0-9]+", text) for text in (got, name)]
    mine, theirs = (_WORD.findall(text) for text in (got, name))
    mine, theirs = ([word.lower() for word in words] for words in (mine, theirs))
    if numbers[0] != numbers[1]:
        return False
    for word in mine:
        near = get_close_matches(word, theirs, n=1, cutoff=_ALIKE)
        if near:
            theirs.remove(near[0])
        elif word not in _UNITS:
            return False
    return all(word in _UNITS for word in theirs)


def not_among(got: object, names: Iterable[str]) -> str:
    """Say that a value is none of the allowed ones."""
    allowed = list(names)
    return f"must be one of {one_of(allowed)}, got {shown(got)}{did_you_mean(got, allowed)}"


_NOT_SIMULATED: Final = {
    "web_function": "web functions are not simulated, and no price of theirs is published",
    "microvm": "MicroVMs are not simulated; `lambdasim bill units microvm_vcpu_s=...` prices quantities",
}


_AWS_NAMES: Final = {
    "maximumbatchingwindowinseconds": ("batch_window",),
    "scalingconfig": ("maximum_concurrency",),
    "provisionedpollerconfig": ("provisioned_pollers",),
    "minimumpollers": ("minimum",),
    "maximumpollers": ("maximum",),
    "functionresponsetypes": ("partial_failures",),
    "reportbatchitemfailures": ("partial_failures",),
    "filtercriteria": ("filtered_share",),
    "messageretentionperiod": ("retention",),
    "maxreceivecount": ("max_receives",),
    "redrivepolicy": ("max_receives",),
    "fifoqueue": ("message_groups",),
    "bisectbatchonfunctionerror": ("bisect",),
    "maximumretryattempts": ("max_retries", "retry_attempts"),
    "maximumrecordageinseconds": ("max_record_age",),
    "maximumeventageinseconds": ("max_event_age", "max_age"),
    "tumblingwindowinseconds": ("tumbling_window",),
    "retentionperiodhours": ("retention",),
    "shardcount": ("shards",),
    "streammodedetails": ("capacity",),
    "deadletterconfig": ("on_failure",),
    "destinationconfig": ("on_failure", "calls"),
    "targetvalue": ("target",),
    "disablescalein": ("scale_in",),
    "mincapacity": ("minimum",),
    "maxcapacity": ("maximum",),
    "reservedconcurrentexecutions": ("reserved_concurrency",),
    "provisionedconcurrentexecutions": ("count", "provisioned_concurrency"),
    "ephemeralstorage": ("ephemeral_mb",),
    "throttlingratelimit": ("rate_per_s",),
    "ratelimit": ("rate_per_s",),
    "throttlingburstlimit": ("burst",),
    "burstlimit": ("burst",),
    "timeoutinmillis": ("integration_timeout",),
    "maxattempts": ("client_retries",),
}
"""What AWS's own configuration calls a key; names that differ in spelling alone are found without this table."""
_NOT_ON_AWS_TERMS: Final = {
    "delayseconds": "delays every message by the same time, which only shifts the timeline: start the traffic later",
    "startingposition": "a stream is empty when a scenario begins: put what lies in it at the beginning of the traffic",
    "receivemessagewaittimeseconds": "Lambda's pollers wait 20 s whatever the queue says",
    "contentbaseddeduplication": "duplicates are not modelled: leave them out of the traffic",
    "deduplicationscope": "duplicates are not modelled: leave them out of the traffic",
    "fifothroughputlimit": "a FIFO queue's limit of calls a second is not modelled",
    "pollergroupname": "pollers that several mappings share are not modelled: each is billed separately",
    "consumptionmode": "share groups of Kafka are not modelled: partitions are read in order",
    "connecttimeout": "connections always come about here: read_timeout is what a client waits",
    "maxpoolconnections": "a client's pool of connections is not modelled: calls never wait for one",
    "predefinedmetricspecification": "target tracking goes by utilization, at its highest of each minute",
    "customizedmetricspecification": "target tracking goes by utilization, at its highest of each minute",
    "statistic": "target tracking goes by utilization, at its highest of each minute",
    "enabled": "a mapping or rule that is switched off is not modelled: give traffic a start and a stop",
    "quota": "quotas of a day, week or month are not modelled: throttle has a rate and a burst",
}


def of_aws(key: object, names: Iterable[str]) -> str:
    """Say of a key of AWS's own configuration what it is called here, or why it is not; empty for any other.

    Parameters
    ----------
    key : object
    names : iterable of str
        Keys that are allowed in its place.

    Examples
    --------
    >>> of_aws("BisectBatchOnFunctionError", ["bisect", "shards"])
    'unknown key; AWS calls it so, here it is bisect'
    >>> of_aws("DelaySeconds", ["retention"])[:31]
    'not modelled: delays every mess'
    """
    bare = str(key)[:_SHOWN_CHARS].lower().replace("_", "")
    if bare in _NOT_ON_AWS_TERMS:
        return f"not modelled: {_NOT_ON_AWS_TERMS[bare]}"
    allowed = list(names)
    same = [name for name in _AWS_NAMES.get(bare, ()) if name in allowed]
    return f"unknown key; AWS calls it so, here it is {same[0]}" if same else ""


def not_simulated(key: object) -> str:
    """Say of a key for one of Lambda's modes that it is not simulated, and what there is; empty for any other.

    Parameters
    ----------
    key : object

    Examples
    --------
    >>> not_simulated("web_functions")
    'web functions are not simulated, and no price of theirs is published'
    """
    bare = str(key).lower().replace("-", "_").removesuffix("s")
    return next((told for name, told in _NOT_SIMULATED.items() if name.removesuffix("s") == bare), "")


def in_our_words(found: Mapping[str, Any]) -> str:
    """Rewrite one finding of pydantic.

    Parameters
    ----------
    found : mapping
        As ``ValidationError.errors()`` lists it: ``type``, ``msg``, ``input``, ``ctx``.
    """
    kind, context, got = found["type"], found.get("ctx", {}), found.get("input")
    if kind == FAULT:
        return str(found["msg"])
    if kind == "missing":
        return "is required"
    if kind in _KIND_OF:
        return f"must be {_KIND_OF[kind]}, got {shown(got)}"
    if kind in _BOUND:
        return f"must be {_BOUND[kind].format(**context)}, got {shown(got)}"
    if kind in {"enum", "literal_error"}:
        allowed = str(context["expected"]).replace(" or ", ", ").replace("'", "").split(", ")
        return not_among(got, allowed)
    if kind == "too_short":
        return f"must have at least {context['min_length']} of its items, got {context['actual_length']}"
    if kind == "too_long":
        return f"must have at most {context['max_length']} items, got {context['actual_length'] or 'more'}"
    return f"is not allowed: {found['msg'][:1].lower()}{found['msg'][1:]}, got {shown(got)}"


def foreign_kind(text: str) -> str | None:
    """Say what a text is instead of a scenario; None where nothing is recognised.

    Parameters
    ----------
    text : str
        Of a file that was refused as a scenario.

    Examples
    --------
    >>> foreign_kind("Transform: AWS::Serverless-2016-10-31")
    'a SAM template; lambdasim import makes a scenario of it'
    >>> foreign_kind("name: x") is None
    True
    """
    if _OWN.search(text):
        return None
    return next((kind for marks, kind in _ELSE if all(mark.search(text) for mark in marks)), None)
