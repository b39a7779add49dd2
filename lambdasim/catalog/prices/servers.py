"""Servers that could do what functions do: EC2 instances, Fargate tasks, and Lambda managed instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from lambdasim.catalog.entries import Entry
from lambdasim.catalog.facts import Fact, Head, Knowledge, facts_of
from lambdasim.catalog.files import json_of, toml_of
from lambdasim.catalog.prices.neighbours import neighbour_price

_FILE: Final = "servers.toml"
_HEAD: Final = ("as_of", "knowledge", "sources")


@dataclass(frozen=True)
class Server:
    """A size of server and its price.

    Attributes
    ----------
    name : str
        An EC2 instance type, or ``1 vCPU 2 GB`` of a Fargate task.
    is_common : bool
        Whether it is among those to choose from; of Fargate's tasks those whose memory is a power of two are.
    architecture : str
        ``x86_64`` or ``arm64``.
    vcpus, memory_gb : Decimal
        Memory in GB of 1,024 MB.
    usd_per_hour : Decimal
        On demand.
    source : str
        Of the price.
    as_of : date
        When that was seen.
    knowledge : Knowledge
    """

    name: str
    is_common: bool
    architecture: str
    vcpus: Decimal
    memory_gb: Decimal
    usd_per_hour: Decimal
    source: str
    as_of: date
    knowledge: Knowledge


class _Instance(NamedTuple):
    """What an entry of the file says of an instance type."""

    vcpus: Decimal
    memory_gb: Decimal
    architecture: str
    price: str
    is_common: bool


class _TaskSizes(NamedTuple):
    """Memory that a Fargate task may have with a number of vCPUs [GB]."""

    least_gb: int
    most_gb: int


class ServerSizes(NamedTuple):
    """The content of the file."""

    instances: Mapping[str, _Instance]
    tasks: Mapping[str, _TaskSizes]
    facts: Mapping[str, Fact]
    multiples: Mapping[str, int]


@dataclass(frozen=True)
class ManagedTerms:
    """What Lambda managed instances cost beside the instances.

    Attributes
    ----------
    fee_share : Decimal
        Fee as a part of the instance's price on demand.
    usd_per_request : Decimal
    least_instances : int
        Started by default.
    source : str
    knowledge : Knowledge
    """

    fee_share: Decimal
    usd_per_request: Decimal
    least_instances: Fact
    source: str
    knowledge: Knowledge


def ec2_instances(architecture: str, region: str) -> tuple[Server, ...]:
    """Return the instance types of an architecture with their prices, larger sizes at multiples of the smallest's.

    Raises
    ------
    CatalogError
        When there are no prices for the region.

    Examples
    --------
    >>> known = ec2_instances("arm64", "us-east-1")
    >>> [(server.name, str(server.usd_per_hour)) for server in known if server.is_common]
    [('m7g.large', '0.0816'), ('c7g.large', '0.0725'), ('r7g.large', '0.1071')]
    >>> next(str(server.usd_per_hour) for server in known if server.name == "m7g.xlarge")
    '0.1632'
    """
    found = []
    for name, one in _sizes().instances.items():
        if one.architecture == architecture:
            price = neighbour_price(one.price, region)
            family, _, smallest = name.partition(".")
            for size, times in {smallest: 1, **_sizes().multiples}.items():
                found.append(
                    Server(
                        f"{family}.{size}",
                        one.is_common and times == 1,
                        architecture,
                        one.vcpus * times,
                        one.memory_gb * times,
                        price.tiers[0][1] * times,
                        price.source,
                        price.as_of,
                        price.knowledge,
                    )
                )
    return tuple(found)


def fargate_tasks(architecture: str, region: str) -> tuple[Server, ...]:
    """Return the sizes of Fargate tasks of one vCPU and more, with their prices.

    Raises
    ------
    CatalogError
        When there are no prices for the region.

    Examples
    --------
    >>> smallest = fargate_tasks("x86_64", "us-east-1")[0]
    >>> smallest.name, smallest.usd_per_hour  # 0.04048 + 2 x 0.004445
    ('1 vCPU 2 GB', Decimal('0.049370'))
    """
    vcpu = neighbour_price(f"fargate_vcpu_{architecture}", region)
    memory = neighbour_price(f"fargate_gb_{architecture}", region)
    return tuple(
        Server(
            f"{vcpus} vCPU {gb} GB",
            gb.bit_count() == 1,
            architecture,
            Decimal(vcpus),
            Decimal(gb),
            Decimal(vcpus) * vcpu.tiers[0][1] + gb * memory.tiers[0][1],
            vcpu.source,
            vcpu.as_of,
            vcpu.knowledge,
        )
        for vcpus, sizes in _sizes().tasks.items()
        for gb in range(sizes.least_gb, sizes.most_gb + 1)
    )


@cache
def managed_terms() -> ManagedTerms:
    """Return what Lambda managed instances cost beside the instances.

    Examples
    --------
    >>> managed_terms().fee_share, managed_terms().usd_per_request
    (Decimal('0.15'), Decimal('2E-7'))
    """
    sheet = json_of("prices_aws_lambda.json")
    other = Entry(sheet["us_east_1_other"], "prices_aws_lambda.json", "us_east_1_other")
    entry = other.entry("managed_instances")
    sources = Entry(sheet["sources"], "prices_aws_lambda.json", "sources")
    return ManagedTerms(
        fee_share=entry.amount("management_fee_fraction_of_ec2_on_demand"),
        usd_per_request=entry.amount("request"),
        least_instances=_sizes().facts["managed_instances_least"],
        source=sources.text(entry.texts("source")[0]),
        knowledge=Knowledge.AWS_PAGE,
    )


@cache
def _sizes() -> ServerSizes:
    return server_sizes_of(toml_of(_FILE))


def server_sizes_of(content: Mapping[str, Any], file: str = _FILE) -> ServerSizes:
    """Make sizes of the content of a file.

    Parameters
    ----------
    content : mapping
        As ``servers.toml`` has it.
    file : str
        Name of the file, for messages.

    Raises
    ------
    CatalogError
        With file and field, at the first thing that is missing, unknown, or of the wrong kind.
    """
    whole = Entry(content, file)
    head = Head.of(whole)
    instances, tasks = {}, {}
    for name, entry in whole.named("instances").items():
        instances[name] = _Instance(
            entry.amount("vcpus"),
            entry.amount("memory_gb"),
            entry.text("architecture"),
            entry.text("price"),
            entry.flag("common") if entry.has("common") else True,
        )
        entry.source("source", head.sources)
        entry.close()
    for name, entry in whole.named("fargate").items():
        tasks[name] = _TaskSizes(entry.whole("memory_gb_min"), entry.whole("memory_gb_max"))
        entry.source("source", head.sources)
        entry.choice("knowledge", Knowledge, default=head.knowledge)
        entry.close()
    table = whole.entry("multiples")
    multiples = {name: table.whole(name, least=2) for name in table.names()}
    facts = facts_of({key: content[key] for key in (*_HEAD, "facts")}, "facts", file)
    whole.skip("facts")
    whole.close()
    return ServerSizes(MappingProxyType(instances), MappingProxyType(tasks), facts.current, multiples)
