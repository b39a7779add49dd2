"""A simulated account beside what CloudWatch counted of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdasim.report.html import bullets, heading, paragraph, table_html

if TYPE_CHECKING:
    from lambdasim.templates.account.comparison import Beside


def beside_counts(held: Beside | str | None) -> list[str]:
    """Show each measure with its difference, and the functions that matter most.

    Parameters
    ----------
    held : Beside, str or None
        The two beside each other, or why they are not; None where nothing was counted.

    Returns
    -------
    list of str
        HTML.
    """
    if held is None:
        return []
    if isinstance(held, str):
        return [paragraph(f"{held[:1].upper()}{held[1:]}.", "small")]
    account, functions = held.shown().values()
    alike: dict[str, list[str]] = {}
    for name, known in zip(functions["function"], functions["least known"], strict=True):
        alike.setdefault(known, []).append(str(name))
    return [
        heading("Beside what CloudWatch counted"),
        table_html(account, "Beside what CloudWatch counted"),
        paragraph(" ".join(held.notes()), "small"),
        heading("Functions that matter most"),
        table_html(functions.drop(columns="least known"), "Functions that matter most"),
        paragraph(
            "By cost at list rates, INIT included; invocations and GB-s as differences from what was counted. "
            "What is least known of them:",
            "small",
        ),
        bullets(f"{known} ({', '.join(names)})" for known, names in alike.items()),
    ]
