"""Nodes that a cluster of one's own needs for its pods, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Final, NamedTuple

from lambdasim.catalog.prices.platforms import platform_book
from lambdasim.catalog.prices.servers import Server
from lambdasim.units import MB_PER_GB

_MILLI: Final = 1000


class Pods(NamedTuple):
    """Pods of a function at the fullest moment.

    Attributes
    ----------
    architecture : str
    most : int
        At once.
    milli_vcpus, memory_mb : int
        Of each.
    """

    architecture: str
    most: int
    milli_vcpus: int
    memory_mb: int


class Nodes(NamedTuple):
    """The cheapest nodes.

    Attributes
    ----------
    usd : Decimal
        A month, without the cluster's fee.
    nodes : str
        In words, such as ``2 x c7g.large``.
    """

    usd: Decimal
    nodes: str


def allocatable(server: Server) -> tuple[int, int, int]:
    """Return what a node leaves to pods: thousandths of a vCPU, memory [MB], and how many pods.

    Notes
    -----
    The kubelet keeps 255 MB and 11 MB for each pod, the eviction threshold 100 MB, and parts of the first two cores
    (Amazon EKS AMI, bootstrap script); figures are the catalog's.
    """
    kept = platform_book().kubelet
    cpu = int(server.vcpus * _MILLI) - kept.cpu_millis_first - kept.cpu_millis_second
    memory = int(server.memory_gb * MB_PER_GB) - kept.base_mb - kept.mb_per_pod * kept.pods - kept.eviction_mb
    return cpu, memory, kept.pods


def nodes_usd(pods: Sequence[Pods], fleet: Mapping[str, tuple[Server, ...]], hours: Fraction) -> Nodes | str:
    """Find the cheapest nodes for pods, all of the month.

    Parameters
    ----------
    pods : sequence of Pods
        Of all functions; their fullest moments are taken to be one.
    fleet : mapping of str to tuple of Server
        By architecture.
    hours : Fraction
        Of the month [h].

    Returns
    -------
    Nodes or str
        Why there are none.

    Notes
    -----
    A node holds whole pods: two of 1 vCPU do not fit on one of 2 vCPUs, of which the kubelet keeps a part. Pods of
    several sizes fill nodes in proportion.
    """
    usd, words = Decimal(0), []
    architectures = sorted({one.architecture for one in pods})
    least = max(platform_book().kubelet.nodes_least // len(architectures), 1) if architectures else 0
    for architecture in architectures:
        mine = [one for one in pods if one.architecture == architecture]
        found = []
        for server in fleet.get(architecture, ()):
            cpu, memory, room = allocatable(server)
            fit = [min(cpu // one.milli_vcpus, memory // one.memory_mb, room) for one in mine]
            if not all(fit):
                continue
            filled = sum(
                (Fraction(one.most, number) for one, number in zip(mine, fit, strict=True)), Fraction(0)
            )
            count = max(ceil(filled), least)
            found.append((server.usd_per_hour * count, server.name, count))
        if not found:
            return f"no node of the catalog holds its pods ({architecture})"
        rent, name, count = min(found)
        usd += rent * Decimal(hours.numerator) / Decimal(hours.denominator)
        words.append(f"{count} x {name}")
    return Nodes(usd, " and ".join(words))
