"""What servers cost by the hour, and how each price is known, for people to read."""

from __future__ import annotations

from collections.abc import Iterator

from lambdasim.catalog.prices.servers import managed_terms
from lambdasim.results.parameters import Parameter
from lambdasim.study.server_costs import Fleets, Option


def server_rows(fleets: Fleets) -> Iterator[Parameter]:
    """List the prices of servers.

    Parameters
    ----------
    fleets : Fleets

    Yields
    ------
    Parameter
        One for each option and architecture, and the fee of managed instances where they are an option.
    """
    for option in (Option.FARGATE, Option.EC2, Option.OWN):
        for architecture, servers in fleets.get(option, {}).items():
            cheapest = " (the cheapest at each volume)" if len(servers) > 1 else ""
            shown = ", ".join(f"{one.name} {one.usd_per_hour.normalize():f}" for one in servers)
            is_own = option is Option.OWN
            yield Parameter(
                f"{option.value}, {architecture}, USD an hour",
                f"{shown}{cheapest}",
                servers[0].knowledge.value,
                servers[0].source if is_own else f"{servers[0].source}, seen {servers[0].as_of}",
            )
    if Option.MANAGED in fleets:
        managed = managed_terms()
        fee = f"EC2 + {managed.fee_share:.0%}, {float(managed.usd_per_request * 1_000_000):g} USD per million requests"
        yield Parameter("managed instances", fee, managed.knowledge.value, managed.source)
