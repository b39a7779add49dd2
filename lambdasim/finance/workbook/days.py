"""The sheet by day: live sums, what has come together, and a chart."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from lambdasim.billing import plain
from lambdasim.billing.exact import total
from lambdasim.catalog import ChargeKind
from lambdasim.finance.days import DayCost
from lambdasim.finance.workbook.sheet import Column, Page, letter

_RULE: Final = (
    "A day's amount is the bill of the usage to its end (UTC) less that to the end of the day before: the free tier and "
    "the first tiers belong to the days that use them up."
)


def write_days(book: Any, page: Page, name: str, currency: str, days: Sequence[DayCost]) -> None:
    """Write the sheet.

    Parameters
    ----------
    book : xlsxwriter workbook
    page : Page
    name : str
        Of the sheet.
    currency : str
    days : sequence of DayCost
    """
    kinds = [kind for kind in ChargeKind if any(kind in day.amounts for day in days)]
    head = (
        "day (UTC)",
        *(f"{kind.value} [{currency}]" for kind in kinds),
        "total",
        "cumulative",
        "exact total",
    )
    page.head(0, head, (14, *(18 for _ in kinds), 16, 16, 30))
    page.sheet.freeze_panes(1, 1)
    place, come = len(kinds) + 1, Decimal(0)
    for row, day in enumerate(days, start=1):
        page.text(row, 0, day.day)
        for column, kind in enumerate(kinds, start=1):
            page.number(row, column, day.amounts.get(kind, Decimal(0)), "fine")
        come = total((come, day.amount))
        last = letter(max(place - 1, 1))
        page.formula(row, place, f"=SUM(B{row + 1}:{last}{row + 1})" if kinds else "=0", day.amount, "fine")
        here = letter(place)
        page.formula(row, place + 1, f"=SUM({here}$2:{here}{row + 1})", come, "fine")
        page.text(row, place + 2, plain(day.amount))
    end = len(days) + 1
    page.text(end, 0, "total", "total")
    for column in range(1, place + 1):
        amounts = (
            (day.amounts.get(kinds[column - 1], Decimal(0)) for day in days)
            if column < place
            else (day.amount for day in days)
        )
        summed = Column(name, letter(column), 2 if days else 1, end)
        page.formula(end, column, summed.sum_formula, total(amounts), "money_total")
    page.text(end, place + 2, plain(come), "total")
    page.text(end + 2, 0, _RULE)
    if days and kinds:
        _draw(book, page, name, currency, len(days), len(kinds), end + 4)


def _draw(book: Any, page: Page, name: str, currency: str, days: int, kinds: int, row: int) -> None:
    chart = book.add_chart({"type": "column", "subtype": "stacked"})
    for column in range(1, kinds + 1):
        chart.add_series(
            {
                "name": [name, 0, column],
                "categories": [name, 1, 0, days, 0],
                "values": [name, 1, column, days, column],
                "gap": 40,
            }
        )
    chart.set_title({"name": f"Cost by day [{currency}]"})
    chart.set_y_axis({"num_format": "#,##0.00"})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 900, "height": 360})
    page.sheet.insert_chart(row, 0, chart)
