"""The worked examples of the AWS Lambda pricing page (aws.amazon.com/lambda/pricing, text of 2026): printed cents.

AWS rounds each charge to the cent and adds the rounded ones; the exact bill is rounded once, at the end. Where the two
differ, both are given. All are of us-east-1.
"""

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from lambdasim.billing import Bill, Usage, price
from lambdasim.catalog import ChargeKind
from lambdasim.catalog.prices.meters import meter
from lambdasim.wording import money

BASE = Usage("2026-10", "us-east-1", "f", "x86_64", 1024, 512, "zip", "python3.13")
MILLION = 1_000_000


def used(requests: int, ms_each: int, **changes: object) -> Usage:
    ms = requests * ms_each
    return replace(
        BASE,
        requests=requests,
        billed_ms_with_init=ms,
        billed_ms_without_init=ms,
        **changes,  # type: ignore[arg-type]
    )


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def printed(bill: Bill) -> dict[ChargeKind, Decimal]:
    """Sum the lines of each kind and round the sum to the cent, as the page does."""
    sums: dict[ChargeKind, Decimal] = {}
    for item in bill.items:
        sums[item.kind] = sums.get(item.kind, Decimal(0)) + item.amount
    return {kind: cents(amount) for kind, amount in sums.items()}


def test_mobile_backend() -> None:
    # 3 M x 120 ms at 1,536 MB; 2.33 + 0.40 = 2.73.
    bill = price([used(3 * MILLION, 120, memory_mb=1536)])
    assert printed(bill) == {ChargeKind.DURATION: Decimal("2.33"), ChargeKind.REQUEST: Decimal("0.40")}
    assert bill.total == Decimal("140000") * Decimal("0.0000166667") + Decimal("0.4")
    assert money(bill.total) == "$2.73"


def test_telemetry_without_the_free_tier() -> None:
    # 10,000 x 24 x 31 = 7.44 M x 2 s at 1 GB; 1.488 is printed as 1.49; + 248.00 = 249.49.
    bill = price([used(7_440_000, 2000)], free_tier=False)
    assert printed(bill) == {ChargeKind.DURATION: Decimal("248.00"), ChargeKind.REQUEST: Decimal("1.49")}
    assert bill.total == Decimal("14880000") * Decimal("0.0000166667") + Decimal("1.488")
    assert money(bill.total) == "$249.49"


def test_support_tickets_with_2_gb_of_tmp() -> None:
    # 6 M x 280 ms at 4 GB, 1.5 GB of /tmp above what is included; 105.33 + 1 + 0.08 = 106.41.
    bill = price([used(6 * MILLION, 280, memory_mb=4096, ephemeral_mb=2048)])
    assert printed(bill) == {
        ChargeKind.DURATION: Decimal("105.33"),
        ChargeKind.REQUEST: Decimal("1.00"),
        ChargeKind.EPHEMERAL: Decimal("0.08"),
    }
    assert money(bill.total) == "$106.41"


def test_mobile_launch_on_provisioned_concurrency() -> None:
    # 100 x 1.5 GB for 8 h; 500,000 x 100 ms on it, 2.5 M x 120 ms off it; 18 + 0.40 + 0.73 + 0.83 = 19.96.
    # The page takes the free million off all requests here, against its own text.
    row = used(2_500_000, 120, memory_mb=1536)
    row = replace(
        row,
        requests=3 * MILLION,
        provisioned_requests=500_000,
        provisioned_billed_ms=500_000 * 100,
        provisioned_allocated_s=100 * 28_800,
    )
    bill = price([row], free_requests_for_provisioned=True)
    assert printed(bill) == {
        ChargeKind.REQUEST: Decimal("0.40"),
        ChargeKind.DURATION: Decimal("0.83"),
        ChargeKind.PC_IDLE: Decimal("18.00"),
        ChargeKind.PC_DURATION: Decimal("0.73"),
    }
    assert money(bill.total) == "$19.96"
    # By the text, the 500,000 are paid: 2.5 M less one million, plus 500,000, is 2 M again.
    assert price([row]).total == bill.total


def test_cyber_monday_on_provisioned_concurrency() -> None:
    # 7 x 4 GB for 24 h; 2 M x 280 ms on it, no request free; 10.08 + 21.78 + 0.40 = 32.26.
    row = replace(
        BASE,
        memory_mb=4096,
        requests=2 * MILLION,
        provisioned_requests=2 * MILLION,
        provisioned_billed_ms=2 * MILLION * 280,
        provisioned_allocated_s=7 * 86_400,
    )
    bill = price([row])
    assert printed(bill) == {
        ChargeKind.REQUEST: Decimal("0.40"),
        ChargeKind.PC_IDLE: Decimal("10.08"),
        ChargeKind.PC_DURATION: Decimal("21.78"),
    }
    assert money(bill.total) == "$32.26"


def test_telemetry_with_snapstart() -> None:
    # As above, one version of 1 GB for 31 days, 1 % of 7.44 M restores; 1.49 + 248.00 + 4.03 + 10.4 = 263.92.
    row = used(7_440_000, 2000, snap_start=True)
    row = replace(row, snapstart_cache_ms=2_678_400_000, snapstart_restored_mb=74_400 * 1024)
    bill = price([row], free_tier=False)
    assert printed(bill) == {
        ChargeKind.REQUEST: Decimal("1.49"),
        ChargeKind.DURATION: Decimal("248.00"),
        ChargeKind.SNAPSTART_CACHE: Decimal("4.03"),
        ChargeKind.SNAPSTART_RESTORE: Decimal("10.40"),
    }
    assert money(bill.total) == "$263.92"


def test_streamed_pages() -> None:
    # 3 M x 500 ms at 1,536 MB; 1 M responses of 7 MB: 976.5625 GB above 6 MB each, with the free 100 GB used up before.
    # Printed: 30.83 + 0.40 + 7.81 = 39.04. Exact: 30.833395 + 0.4 + 7.8125 = 39.045895, which is 39.05.
    row = used(3 * MILLION, 500, memory_mb=1536, streamed_bytes=MILLION * 1024**2)
    before = replace(BASE, function="others", streamed_bytes=100 * 1024**3)
    bill = price([row, before])
    parts = printed(bill)
    assert parts == {
        ChargeKind.REQUEST: Decimal("0.40"),
        ChargeKind.DURATION: Decimal("30.83"),
        ChargeKind.STREAMING: Decimal("7.81"),
    }
    assert sum(parts.values()) == Decimal("39.04")
    assert bill.total == Decimal("39.045895")
    assert money(bill.total) == "$39.05"


def test_kafka_pollers() -> None:
    # 60 M GB-s less the free ones is 993.33532, printed as 993.3. The page charges 60 M requests, 12, without the free
    # million and for a million a day, which would be 30 M. 800 poller unit hours x 0.185 = 148; printed 1,153.3.
    bill = price([used(30 * MILLION, 2000)])
    duration = sum(item.amount for item in bill.items if item.kind is ChargeKind.DURATION)
    assert duration == Decimal("993.33532")
    requests = price([replace(BASE, requests=60 * MILLION)], free_tier=False).total
    assert requests == 12
    pollers = 800 * meter("kafka_poller_hours").price("us-east-1").tiers[0][1]
    assert pollers == 148
    tenth = Decimal("0.1")
    assert duration.quantize(tenth) + requests + pollers == Decimal("1153.3")


def test_queue_pollers() -> None:
    # 30 M x 1 s at 1 GB without the free tier: 500.001 printed as 500, + 6 + 8,000 x 0.00925 = 74; 580.
    bill = price([used(30 * MILLION, 1000)], free_tier=False)
    assert printed(bill) == {ChargeKind.REQUEST: Decimal("6.00"), ChargeKind.DURATION: Decimal("500.00")}
    pollers = 8000 * meter("sqs_poller_hours").price("us-east-1").tiers[0][1]
    assert money(bill.total + pollers) == "$580.00"


def test_durable_claims_on_arm64_compute_and_requests() -> None:
    # 1 M x 32 s at 1 GB on arm64: 31.6 M GB-s paid, 421.34; 2 M requests, one paid million, 0.20.
    row = used(MILLION, 32_000, architecture="arm64")
    bill = price([replace(row, requests=2 * MILLION)])
    assert printed(bill) == {ChargeKind.REQUEST: Decimal("0.20"), ChargeKind.DURATION: Decimal("421.34")}
    assert bill.total == Decimal("31600000") * Decimal("0.0000133334") + Decimal("0.2")


def test_tenants_compute_and_requests() -> None:
    # 10 M x 2 s at 1 GB, no free tier: 2 + 333.334. The page prints 333.34: rounded up here, to the nearest elsewhere.
    bill = price([used(10 * MILLION, 2000)], free_tier=False)
    assert bill.total - 2 == Decimal("333.334")
    assert printed(bill) == {ChargeKind.REQUEST: Decimal("2.00"), ChargeKind.DURATION: Decimal("333.33")}


def test_the_published_table_of_tiers() -> None:
    # AWS Compute Blog, "Introducing tiered pricing for AWS Lambda", August 2022: x86 to 6 G GB-s at the old rate, 10 %
    # off to 15 G, 20 % above. Worked by hand for 9 G: 6 G x 0.0000166667 = 100,000.20 and 3 G x 0.0000150000 = 45,000.
    bill = price([used(75 * MILLION, 60_000, memory_mb=2048)], free_tier=False)
    duration = [
        (item.tier, item.quantity, item.amount)
        for item in bill.items
        if item.tier and item.kind == "duration"
    ]
    assert duration == [(1, 6 * 10**9, Decimal("100000.20")), (2, 3 * 10**9, Decimal("45000.00"))]
    assert printed(bill)[ChargeKind.REQUEST] == Decimal("15.00")
    assert money(bill.total) == "$145,015.20"
