"""A month of a whole account, of known truth, in every export: Lambda line by line, other services apart."""

import csv
import io
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

import lambdasim as ls
from lambdasim import finance
from lambdasim.billing import Bill
from lambdasim.catalog.prices.meters import meters
from lambdasim.cli import app
from lambdasim.finance.days import daily_costs

SCENARIO = """
name: account
start: 2026-11-01T00:00:00Z
duration: 30d
free_tier: true
neighbours: {include: [trigger, logs], held: {nat_hours: 1, secrets: 4}}
functions:
  - {name: api, memory_mb: 8192, timeout: 9s, trigger: {type: api_gateway_http}, work: {io_ms: 4000},
     uses: {per_run: {dynamodb_writes: 200}}, traffic: {constant: {rate_per_s: 0.05}}}
  - {name: jobs, architecture: arm64, memory_mb: 8192, timeout: 9s, trigger: {type: sqs}, work: {io_ms: 3000},
     traffic: {constant: {rate_per_s: 0.01}}}
"""
FOREIGN = {"AmazonS3": ("TimedStorage-ByteHrs", "431.27"), "AmazonEC2": ("BoxUsage:m7g.large", "59.57")}
CODES = {one.service.name: one.service.code for one in meters().values()}


@pytest.fixture(scope="module")
def run() -> ls.RunResult:
    return ls.simulate(ls.load_scenario_text(SCENARIO), keep_records=False)


@pytest.fixture(scope="module")
def bill(run: ls.RunResult) -> Bill:
    return run.charges()


def rows_of(bill: Bill) -> list[tuple[str, str, Decimal, Decimal, Decimal]]:
    """Service, usage type, quantity, rate and cost of everything on the account's bill; NAT gateways are EC2's there."""
    found = []
    for item in bill.items:
        is_nat = item.usage_type == "nat_hours"
        code = "AWSLambda" if item.service == "AWS Lambda" else CODES[item.service]
        usage = "NatGateway-Hours" if is_nat else item.usage_type.replace("_", "-")
        found.append(("AmazonEC2" if is_nat else code, usage, item.quantity, item.rate, item.amount))
    return found + [
        (code, usage, Decimal(1), Decimal(usd), Decimal(usd)) for code, (usage, usd) in FOREIGN.items()
    ]


CUR_COLUMNS = {
    "line_item_usage_start_date": "lineItem/UsageStartDate", "line_item_product_code": "lineItem/ProductCode",
    "line_item_line_item_type": "lineItem/LineItemType", "line_item_usage_type": "lineItem/UsageType",
    "line_item_usage_amount": "lineItem/UsageAmount", "line_item_unblended_rate": "lineItem/UnblendedRate",
    "line_item_unblended_cost": "lineItem/UnblendedCost", "line_item_currency_code": "lineItem/CurrencyCode",
}  # fmt: skip


def cur(bill: Bill, *, legacy: bool = False) -> str:
    """Each line in ten rows of as many days, the last with what is left."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CUR_COLUMNS.values() if legacy else CUR_COLUMNS)
    for code, usage, quantity, rate, cost in rows_of(bill):
        part, share = quantity.quantize(Decimal(1)) // 10, (cost / 10).quantize(Decimal("1e-9"))
        for day in range(1, 11):
            last = day == 10
            amount, usd = (quantity - 9 * part, cost - 9 * share) if last else (part, share)
            at = f"2026-11-{day * 2:02d}T05:00:00Z"
            writer.writerow([at, code, "Usage", usage, amount, rate, usd, "USD"])
    return out.getvalue()


def explored(bill: Bill, *, services: bool) -> str:
    sums: defaultdict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    names = {code: name for name, code in CODES.items()} | {"AWSLambda": "AWS Lambda"}
    for code, usage, quantity, _, cost in rows_of(bill):
        key = (names.get(code, code), usage)
        sums[key] = [sums[key][0] + quantity, sums[key][1] + cost]
    keys = ["SERVICE", "USAGE_TYPE"] if services else ["USAGE_TYPE"]
    groups = [
        {
            "Keys": [*([service] if services else []), usage],
            "Metrics": {
                "UnblendedCost": {"Amount": str(usd), "Unit": "USD"}, "UsageQuantity": {"Amount": str(n), "Unit": "N/A"},
            },
        }
        for (service, usage), (n, usd) in sums.items()
    ]  # fmt: skip
    content = {
        "GroupDefinitions": [{"Type": "DIMENSION", "Key": key} for key in keys],
        "ResultsByTime": [{"TimePeriod": {"Start": "2026-11-01", "End": "2026-12-01"}, "Groups": groups}],
    }  # fmt: skip
    return json.dumps(content)


def console(bill: Bill) -> str:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for _, usage, _, _, cost in rows_of(bill):
        sums[usage] += cost
    whole = sum(sums.values())
    head = ["Usage type", *(f"{usage}($)" for usage in sums), "Total costs($)"]
    body = [f"{usd}" for usd in (*sums.values(), whole)]
    return (
        "\n".join(",".join(row) for row in (head, ["Usage type total", *body], ["2026-11-01", *body])) + "\n"
    )


def focus(bill: Bill, path: Path) -> str:
    text = finance.write_focus(bill, path).read_text()
    rows = list(csv.DictReader(text.splitlines()))
    for name, usd in (("Amazon Simple Storage Service", "431.27"), ("Amazon Elastic Compute Cloud", "59.57")):
        alien = rows[-1] | dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), usd)
        rows.append(
            alien | {"ServiceName": name, "x_ServiceCode": "", "x_UsageType": "Storage", "SkuMeter": ""}
        )
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def written(kind: str, bill: Bill, tmp_path: Path) -> Path:
    texts = {
        "cur": lambda: cur(bill), "legacy": lambda: cur(bill, legacy=True),
        "focus": lambda: focus(bill, tmp_path / "f.csv"),
        "explorer": lambda: explored(bill, services=True), "types": lambda: explored(bill, services=False),
        "console": lambda: console(bill),
    }  # fmt: skip
    path = tmp_path / f"actual.{'json' if kind in ('explorer', 'types') else 'csv'}"
    path.write_text(texts[kind]())
    return path


@pytest.mark.parametrize("kind", ["cur", "legacy", "focus", "explorer", "types", "console"])
def test_lambda_is_equal_line_by_line_and_the_rest_stands_apart(
    kind: str, bill: Bill, tmp_path: Path
) -> None:
    found = finance.compare_bill(written(kind, bill, tmp_path), bill)
    own = sum(item.amount for item in bill.items if item.service == "AWS Lambda")
    assert own > 0
    assert found.sum("our_cost") == found.sum("actual_cost") == own
    assert found.sum("difference") == 0
    assert all(line.difference == 0 for line in found.lines)
    services = {line.service: line for line in found.services}
    known = {item.service for item in bill.items if item.is_beside_lambda and item.amount}
    if kind in ("types", "console"):  # usage types alone do not say whose they are
        assert sum(line.actual_cost for line in found.services) == bill.beside_lambda + Decimal("490.84")
        return
    for name in known:
        assert services[name].difference == 0, name
    assert sum(line.actual_cost for line in found.services if not line.our_cost) == Decimal("490.84")
    assert sum(line.our_cost for line in found.services) == bill.beside_lambda


def test_lambdas_own_lines_under_names_that_are_not_known_are_said() -> None:
    spec = ls.load_scenario_text("""{name: polled, start: 2026-11-01T00:00:00Z, duration: 1h, functions: [{name: f,
      work: {io_ms: 5}, trigger: {type: sqs, queue: {provisioned_pollers: {minimum: 2, maximum: 4}}},
      traffic: {constant: {rate_per_s: 0.1}}}]}""")
    ours = ls.simulate(spec, keep_records=False).charges()
    real = finance.read_actual_bill(Path("tests/finance/bills/legacy_cur.csv"))
    (said,) = [note for note in finance.compare_bill(real, ours).notes if "are not known" in note]
    assert said.startswith("$0.02 of ours is for pollers")  # 2 x 0.00925


def test_a_higher_rate_and_more_usage_are_separate_causes(bill: Bill, tmp_path: Path) -> None:
    """arm64 costs a tenth more and GB-s are 50,000 more: each difference is put down to its cause."""
    rows = list(csv.DictReader(cur(bill).splitlines()))
    by_rate = by_usage = Decimal(0)
    for row in rows:
        usage, usd = row["line_item_usage_type"], Decimal(row["line_item_unblended_cost"])
        rate = Decimal(row["line_item_unblended_rate"])
        if usage == "Lambda-GB-Second-ARM" and usd:
            row["line_item_unblended_cost"] = str(usd * Decimal("1.1"))
            row["line_item_unblended_rate"] = str(rate * Decimal("1.1"))
            by_rate += usd / 10
        elif usage == "Lambda-GB-Second" and usd and "-20T" in row["line_item_usage_start_date"]:
            row["line_item_usage_amount"] = str(Decimal(row["line_item_usage_amount"]) + 50_000)
            row["line_item_unblended_cost"] = str(usd + 50_000 * rate)
            by_usage += 50_000 * rate
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path = tmp_path / "changed.csv"
    path.write_text(out.getvalue())
    found = finance.compare_bill(path, bill)
    assert float(found.sum("from_usage")) == pytest.approx(float(by_usage), abs=1e-6)
    assert by_usage == Decimal("0.833335")
    assert float(found.sum("from_rate")) == pytest.approx(float(by_rate), abs=1e-6)
    assert by_rate > 0
    assert found.sum("from_other") == 0


def test_from_the_command_line_with_page_and_json(run: ls.RunResult, bill: Bill, tmp_path: Path) -> None:
    ls.save(run, tmp_path / "run")
    path = written("cur", bill, tmp_path)
    told = CliRunner().invoke(
        app, ["bill", "compare", str(path), str(tmp_path / "run"), "-o", str(tmp_path / "page")]
    )
    assert told.exit_code == 0, told.output
    text = " ".join(told.stdout.split())
    assert "difference $0.00" in text
    assert "$490.84 is foreign to the scenario" in text
    page = (tmp_path / "page" / "report.html").read_text()
    assert "Amazon DynamoDB" in page
    answer = CliRunner().invoke(app, ["bill", "compare", str(path), str(tmp_path / "run"), "--json"])
    assert '"AmazonS3"' in answer.stdout or "Amazon Simple Storage Service" in answer.stdout


def test_by_day_too(run: ls.RunResult, bill: Bill, tmp_path: Path) -> None:
    """The console's report by day, made of our own days: each equal."""
    from functools import partial

    days = daily_costs(ls.hourly_usage(run), partial(ls.price, free_tier=True))
    names = sorted({name for day in days for name in day.usage_types})
    lines = [",".join(["Usage type", *(f"{name}($)" for name in names), "Box($)", "Total costs($)"])]
    for day in days:
        if day.day.startswith("2026"):
            cells = [str(day.usage_types.get(name, 0)) for name in names]
            lines.append(",".join([day.day, *cells, "2.5", str(day.amount + Decimal("2.5"))]))
    path = tmp_path / "days.csv"
    path.write_text("\n".join(lines) + "\n")
    found = finance.compare_bill(path, bill, days=days)
    assert abs(found.sum("difference")) < Decimal("1e-9")
    assert sum(line.actual_cost for line in found.services if not line.our_cost) == 75
