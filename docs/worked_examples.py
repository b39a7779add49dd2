"""Writes the table of worked examples into ``validation.md``, from the file that the tests price.

Run ``python -m docs.worked_examples``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

import lambdasim as ls

EXAMPLES: Final = Path(__file__).parent.parent / "tests" / "billing" / "worked_examples.csv"
PAGE: Final = Path(__file__).with_name("validation.md")
_BEGIN: Final = "<!-- worked examples -->\n"
_END: Final = "<!-- /worked examples -->\n"


def examples() -> list[dict[str, str]]:
    """Read the examples."""
    with EXAMPLES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ours(example: dict[str, str]) -> Decimal:
    """Price an example [USD]."""
    quantities = dict(pair.split("=") for pair in example["quantities"].split())
    free, region = example["free"] == "free parts", example["region"]
    kind, platform = example["architecture"], example["platform"]
    if platform == "aws":
        return ls.price_quantities(quantities, region=region, architecture=kind, free_tier=free).total
    terms = {"region": region, "architecture": kind}
    return ls.price_platform(platform, quantities, **terms, free_tier=free).total


def table() -> str:
    """Write the table: printed examples first."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    yield "| source | example | `lambdasim bill units` | printed | ours |"
    yield "|---|---|---|--:|--:|"
    for one in sorted(examples(), key=lambda one: not one["printed"]):
        options = [f"--platform {one['platform']}"] if one["platform"] != "aws" else []
        options += [f"--region {one['region']}"] if one["region"] != "us-east-1" else []
        options += [f"--architecture {one['architecture']}"] if one["architecture"] != "x86_64" else []
        options += ["--no-free-tier"] if one["free"] != "free parts" else []
        command = " ".join([one["quantities"], *options])
        printed = one["printed"] or f"({one['usd']})"
        yield f"| {one['source']} | {one['example']} | `{command}` | {printed} | {_exact(ours(one))} |"


def _exact(usd: Decimal) -> str:
    """Write an amount with up to six decimals, at least two."""
    whole, _, fraction = f"{usd:,.6f}".partition(".")
    return f"{whole}.{fraction.rstrip('0'):0<2}"


def written(page: str) -> str:
    """Return a page with the table as it is now."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{table()}{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
