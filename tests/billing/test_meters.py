"""The table of meters is complete, and priced by hand: every tier at its bounds, free parts, pools, printed examples."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Final

import pytest

from lambdasim.billing.exact import total
from lambdasim.billing.neighbours.counts import (
    FunctionTerms,
    MeterKey,
    NeighbourTerms,
    meter_counts,
    scale_of,
)
from lambdasim.billing.neighbours.pricing import price_meters
from lambdasim.billing.usage import Usage
from lambdasim.catalog.prices.meters import Driver, Meter, MeterPrice, meter, meters
from lambdasim.errors import CatalogError
from lambdasim.specs.work.neighbours import NeighbourLines

FACTS: Final = """
api_gateway_rest | M 333/1000/20000 | 3.50 2.80 2.38 1.51 | 3.70 3.19 2.71 1.72 |
api_gateway_http | M 300 | 1.00 0.90 | 1.20 1.08 |
websocket_messages | M 1000 | 1.00 0.80 | 1.14 0.94 |
websocket_minutes | M | 0.25 | 0.285 |
rest_cache_0_5_gb | 1 | 0.02 | 0.02 |
rest_cache_1_6_gb | 1 | .038 | .038 |
rest_cache_6_1_gb | 1 | .20 | .20 |
rest_cache_13_5_gb | 1 | .25 | .25 |
rest_cache_28_4_gb | 1 | .50 | .50 |
rest_cache_58_2_gb | 1 | 1.00 | 1.00 |
rest_cache_118_gb | 1 | 1.90 | 1.90 |
rest_cache_237_gb | 1 | 3.80 | 3.80 |
alb_hours | 1 | 0.0225 | 0.027 |
alb_lcu_hours | 1 | 0.008 | 0.008 |
sqs_standard | M 100000/200000 | 0.40 0.30 0.24 | 0.40 0.30 0.24 | 1
sqs_fair | M | 0.10 | |
sqs_fifo | M 100000/200000 | 0.50 0.40 0.35 | 0.50 0.40 0.35 | 1
sqs_poller_hours | 1 | 0.00925 | |
kafka_poller_hours | 1 | 0.185 | |
sns_publishes | M | 0.50 | 0.50 | 1
sns_http_deliveries | M | 0.60 | 0.60 | 0.1
sns_firehose_deliveries | M | 0.19 | 0.236 |
sns_fifo_publishes | M | 0.30 | 0.36 |
sns_fifo_gb | 1 | 0.017 | 0.0204 |
sns_filter_gb | 1 | 0.09 | 0.12 |
eventbridge_events | M | 1.00 | 1.00 |
eventbridge_cross_account | M | 1.00 | 1.00 |
eventbridge_pipes | M | 0.40 | |
eventbridge_api_destinations | M | 0.20 | |
eventbridge_scheduler | M | 1.00 | | 14
kinesis_shard_hours | 1 | 0.015 | 0.018 |
kinesis_put_units | M | 0.014 | 0.0175 |
kinesis_fan_out_hours | 1 | 0.015 | 0.018 |
kinesis_fan_out_gb | 1 | 0.013 | 0.0156 |
kinesis_retention_hours | 1 | 0.02 | 0.024 |
kinesis_stream_hours | 1 | 0.04 | 0.048 |
kinesis_gb_in | 1 | 0.08 | 0.096 |
kinesis_gb_out | 1 | 0.04 | 0.048 |
kinesis_on_demand_fan_out_gb | 1 | 0.05 | 0.06 |
kinesis_advantage_gb_in | 1 | 0.032 | |
kinesis_advantage_gb_out | 1 | 0.016 | |
kinesis_advantage_fan_out_gb | 1 | 0.016 | |
dynamodb_writes | M | 0.625 | 0.7625 |
dynamodb_reads | M | 0.125 | 0.1525 |
dynamodb_storage_gb | 1 | 0.25 | 0.306 | 25
dynamodb_stream_reads | M | 0.20 | 0.245 | 2.5
dynamodb_kinesis_changes | M | 0.10 | 0.122 |
s3_puts | k | 0.005 | 0.0054 |
s3_gets | k | 0.0004 | 0.00043 |
step_functions_transitions | k | 0.025 | 0.025 | 4
step_functions_express_requests | M | 1.00 | 1.00 |
step_functions_express_gb_s | 1 3600000/18000000 | 0.00001667 0.00000833 0.00000456 | 0.00001667 0.00000833 0.00000456 |
logs_lambda_gb | 1 10240/30720/51200 | 0.50 0.25 0.10 0.05 | 0.63 0.315 0.126 0.063 | 5
logs_lambda_ia_gb | 1 10240/30720/51200 | 0.25 0.15 0.075 0.05 | 0.285 0.171 0.086 0.057 |
logs_lambda_delivered_gb | 1 10240/30720/51200 | 0.25 0.15 0.075 0.05 | 0.285 0.171 0.086 0.057 |
logs_put_gb | 1 | 0.50 | 0.63 | 5
logs_put_ia_gb | 1 | 0.25 | 0.315 |
log_storage_gb | 1 | 0.03 | 0.0324 |
logs_insights_gb | 1 | 0.005 | 0.0063 |
logs_live_tail_minutes | 1 | 0.01 | 0.01 |
metrics | 1 10000/250000/1000000 | 0.30 0.10 0.05 0.02 | 0.30 0.10 0.05 0.02 | 10
alarms | 1 | 0.10 | 0.10 | 10
alarms_high_resolution | 1 | 0.30 | 0.30 |
alarms_composite | 1 | 0.50 | 0.50 |
metric_data | k | 0.01 | 0.01 |
xray_traces | M | 5.00 | 5.00 | 0.1
xray_reads | M | 0.50 | 0.50 | 1
secrets | 1 | 0.40 | 0.40 |
secret_calls | 10k | 0.05 | 0.05 |
parameters_advanced | 1 | 0.05 | 0.05 |
parameter_calls | 10k | 0.05 | 0.05 |
kms_keys | 1 | 1.00 | 1.00 |
kms_calls | 10k | 0.03 | 0.03 | 2
nat_hours | 1 | 0.045 | 0.052 |
nat_gb | 1 | 0.045 | 0.052 |
public_ipv4_hours | 1 | 0.005 | 0.005 |
endpoint_hours | 1 | 0.01 | 0.012 |
endpoint_gb | 1 1048576/5242880 | 0.01 0.006 0.004 | 0.01 0.006 0.004 |
transfer_out_gb | 1 10240/51200/153600 | 0.09 0.085 0.07 0.05 | 0.09 0.085 0.07 0.05 | 100
transfer_zone_gb | 1 | 0.01 | 0.01 |
transfer_region_gb | 1 | asked | asked |
ecr_storage_gb | 1 | 0.10 | 0.10 |
msk_m7g_large_hours | 1 | 0.204 | 0.2445 |
msk_storage_gb | 1 | 0.10 | 0.119 |
msk_serverless_hours | 1 | 0.75 | 0.90 |
msk_serverless_partition_hours | 1 | .0015 | .0018 |
msk_serverless_gb_in | 1 | .10 | .12 |
msk_serverless_gb_out | 1 | .05 | .06 |
durable_operations | M | 8.00 | |
durable_written_gb | 1 | 0.25 | |
durable_kept_gb | 1 | 0.15 | |
tenant_isolation_x86_gb | 1 | 0.000166667 | |
tenant_isolation_arm_gb | 1 | 0.000133333 | |
microvm_vcpu_s | 1 | 0.0000276944 | |
microvm_gb_s | 1 | 0.0000036667 | |
microvm_snapshot_write_gb | 1 | 0.0038 | |
microvm_snapshot_read_gb | 1 | 0.00155 | |
microvm_snapshot_storage_gb | 1 | 0.08 | |
"""
"""Charge lines by hand: meter | units that have the price, bounds in so many | us-east-1 | eu-central-1 | free."""
LINES: Final = """
REST API: api_gateway_rest
HTTP API: api_gateway_http
WebSocket: websocket_messages websocket_minutes
REST cache to 13.5 GB: rest_cache_0_5_gb rest_cache_1_6_gb rest_cache_6_1_gb rest_cache_13_5_gb
REST cache above: rest_cache_28_4_gb rest_cache_58_2_gb rest_cache_118_gb rest_cache_237_gb
ALB, hours and LCUs: alb_hours alb_lcu_hours
SQS standard, fair queues on top: sqs_standard sqs_fair
SQS FIFO: sqs_fifo
pollers of SQS and Kafka: sqs_poller_hours kafka_poller_hours
SNS, over HTTP: sns_publishes sns_http_deliveries
SNS Firehose, FIFO, payload filter: sns_firehose_deliveries sns_fifo_publishes sns_fifo_gb sns_filter_gb
EventBridge bus, cross-account: eventbridge_events eventbridge_cross_account
Pipes, API destinations, Scheduler: eventbridge_pipes eventbridge_api_destinations eventbridge_scheduler
Kinesis provisioned, retention: kinesis_shard_hours kinesis_put_units kinesis_retention_hours
enhanced fan-out, provisioned: kinesis_fan_out_hours kinesis_fan_out_gb
Kinesis on-demand: kinesis_stream_hours kinesis_gb_in kinesis_gb_out kinesis_on_demand_fan_out_gb
On-demand Advantage: kinesis_advantage_gb_in kinesis_advantage_gb_out kinesis_advantage_fan_out_gb
DynamoDB on-demand, storage: dynamodb_writes dynamodb_reads dynamodb_storage_gb
DynamoDB streams, change units to Kinesis: dynamodb_stream_reads dynamodb_kinesis_changes
S3, PUT and GET: s3_puts s3_gets
Step Functions: step_functions_transitions
Express, requests and GB-s: step_functions_express_requests step_functions_express_gb_s
Lambda's logs, Standard: logs_lambda_gb
Lambda's logs, Infrequent Access: logs_lambda_ia_gb
Lambda's logs to S3 or Firehose: logs_lambda_delivered_gb
logs by PutLogEvents, both classes: logs_put_gb logs_put_ia_gb
log storage, Insights, live tail: log_storage_gb logs_insights_gb logs_live_tail_minutes
metrics: metrics
alarms, three kinds; GetMetricData: alarms alarms_high_resolution alarms_composite metric_data
X-Ray, recorded and read: xray_traces xray_reads
Secrets Manager, secrets and calls: secrets secret_calls
SSM, advanced parameters and calls: parameters_advanced parameter_calls
KMS, keys and calls: kms_keys kms_calls
NAT, hours, GB, public address: nat_hours nat_gb public_ipv4_hours
interface endpoint, hours and GB: endpoint_hours endpoint_gb
transfer out: transfer_out_gb
between zones: transfer_zone_gb
ECR private: ecr_storage_gb
MSK, broker and storage: msk_m7g_large_hours msk_storage_gb
MSK serverless: msk_serverless_hours msk_serverless_partition_hours msk_serverless_gb_in msk_serverless_gb_out
"""
"""Charge lines of the services around Lambda, as listed on 2026-11-28 from AWS's calculator feed and pricing pages before
the table of meters was written, and the meters of each."""
NEWER: Final = ("durable_", "tenant_isolation_", "microvm_")
"""Lambda's own newer modes, from its pricing page of 2026."""
NOT_LISTED: Final = ("transfer_region_gb",)
"""What no list has a price of: a scenario says it."""
PER: Final = {"M": 1_000_000, "k": 1_000, "10k": 10_000, "1": 1}
REGIONS: Final = ("us-east-1", "eu-central-1")


def transcribed() -> Iterator[tuple[str, list[str]]]:
    for line in FACTS.strip().splitlines():
        name, *rest = (part.strip() for part in line.split("|"))
        yield name, rest


def tiers_of(price: MeterPrice) -> list[tuple[Decimal | None, Decimal]]:
    return list(price.tiers)


def test_the_table_is_complete() -> None:
    assert list(meters()) == [name for name, _ in transcribed()]
    assert len(meters()) == 98


def test_every_charge_line_has_its_meters_and_every_meter_its_line() -> None:
    named = [name for line in LINES.strip().splitlines() for name in line.split(": ")[1].split()]
    assert len(named) == len(set(named))
    left = [name for name in meters() if name not in named and not name.startswith(NEWER)]
    assert left == [name for name, one in meters().items() if one.asked] == list(NOT_LISTED)
    assert set(named) <= set(meters())


@pytest.mark.parametrize(
    ("name", "facts"), list(transcribed()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_price_is_as_transcribed(name: str, facts: list[str]) -> None:
    units, home, frankfurt, free = facts
    per, _, bounds = units.partition(" ")
    one = meter(name)
    assert one.per == PER[per]
    assert one.free == Decimal(free or 0)
    uppers = [*map(Decimal, bounds.split("/"))] if bounds else []
    for region, prices in zip(REGIONS, (home, frankfurt), strict=True):
        if prices == "asked":
            with pytest.raises(CatalogError, match=f"neighbours.own_usd: {{{name}: USD}}"):
                one.price(region)
        elif prices:
            expected = list(zip([*uppers, None], map(Decimal, prices.split()), strict=True))
            assert tiers_of(one.price(region)) == expected
            assert not one.price(region).derived_from
        else:
            assert one.price(region).derived_from == "us-east-1"


def owed(one: Meter, region: str, units: Fraction) -> Fraction:
    """What so many units cost after the free part, summed band by band from the transcribed table's form."""
    cost = lower = Fraction(0)
    for bound, usd in one.price(region).tiers:
        upper = units if bound is None else min(units, Fraction(bound) * one.per)
        cost += max(upper - lower, 0) * Fraction(usd) / one.per
        lower = max(lower, upper)
    return cost


def priced(counts: dict[str, int], region: str = "us-east-1", free_tier: bool = False) -> Decimal:
    keys = {MeterKey("2026-11", region, name, "f"): count for name, count in counts.items()}
    return total(item.amount for item in price_meters(keys, free_tier=free_tier).items)


@pytest.mark.parametrize("region", [*REGIONS, "sa-east-1"])
@pytest.mark.parametrize("name", [name for name, one in meters().items() if not one.asked])
def test_tiers_below_at_and_above_every_bound(name: str, region: str) -> None:
    one = meter(name)
    step = scale_of(one) // one.per  # counted units in one unit
    bounds = [int(bound * scale_of(one)) for bound, _ in one.price(region).tiers if bound is not None]
    for bound in bounds or [scale_of(one)]:
        for count in (bound - 1, bound, bound + 1, bound + step):
            assert Fraction(priced({name: count}, region)) == owed(one, region, Fraction(count, step))


@pytest.mark.parametrize("name", [name for name, one in meters().items() if one.free])
def test_the_free_part_below_at_and_above(name: str) -> None:
    one = meter(name)
    free, step = int(one.free * scale_of(one)), scale_of(one) // one.per
    for count, paid in ((free - 1, 0), (free, 0), (free + 1, 1), (free + 7 * step, 7 * step)):
        assert Fraction(priced({name: count}, free_tier=True)) == owed(one, "us-east-1", Fraction(paid, step))


@pytest.mark.parametrize("pool", ["sqs", "logs"])
def test_meters_of_a_pool_and_regions_share_one_free_part(pool: str) -> None:
    names = [name for name, one in meters().items() if one.pool == pool]
    assert len(names) == 2
    first = meter(names[0])
    half = int(first.free * scale_of(first)) // 2
    keys = {MeterKey("2026-11", region, name, "f"): half for region in REGIONS for name in names}
    found = price_meters(keys, free_tier=True)
    assert sum(pool.free_count for pool in found.pools) == 2 * half
    assert {pool.free_count for pool in found.pools} == {half // 2}
    # In two months it is free twice.
    months = {MeterKey(month, "us-east-1", names[0], "f"): 2 * half for month in ("2026-11", "2026-12")}
    assert total(item.amount for item in price_meters(months, free_tier=True).items) == 0


M = 1_000_000
GB = 1 << 30
EXAMPLES = [
    # AWS Step Functions pricing: 100,000 runs of two tasks, 4 transitions each, less 4,000 free: 9.90 USD.
    ({"step_functions_transitions": 400_000 * M}, True, "9.90"),
    # Amazon API Gateway pricing: five million REST calls, 17.50 USD; 450 a second for a day, 136.08 USD.
    ({"api_gateway_rest": 5 * M * M}, False, "17.50"),
    ({"api_gateway_rest": 450 * 86_400 * M}, False, "136.08"),
    # A function that writes 20,000 GB of logs a year, spread evenly, pays 10,000 USD: 833.33 a month.
    ({"logs_lambda_gb": 20_000 * GB // 12}, False, "833.33"),
    # Provisioned pollers in AWS Lambda's printed examples: 800 x 0.185 = 148 and 8,000 x 0.00925 = 74 USD.
    ({"kafka_poller_hours": 800 * M}, False, "148.00"),
    ({"sqs_poller_hours": 8_000 * M}, False, "74.00"),
    # Idle pollers of a queue: 5 pollers make 648,000 receives in 30 days, within the free million; without it 0.26 USD.
    ({"sqs_standard": 648_000 * M}, True, "0.00"),
    ({"sqs_standard": 648_000 * M}, False, "0.26"),
]  # fmt: skip


@pytest.mark.parametrize(("counts", "free_tier", "usd"), EXAMPLES)
def test_printed_examples_to_the_cent(counts: dict[str, int], free_tier: bool, usd: str) -> None:
    assert f"{priced(counts, free_tier=free_tier):.2f}" == usd


@pytest.mark.parametrize(
    ("trigger", "name"), [(kind, one.name) for one in meters().values() for kind in one.triggers]
)
def test_a_retry_is_no_call_at_the_trigger(trigger: str, name: str) -> None:
    """1,000 events run 1,500 times are 1,000; a row that counts no calls has its attempts, without those past it."""
    terms = {"": NeighbourTerms(frozenset({NeighbourLines.TRIGGER}), {}, {"f": FunctionTerms(trigger)})}

    def counted(requests: int, **more: int) -> int:
        row = Usage(
            "2026-11", "us-east-1", "f", "arm64", 128, 512, "zip", "python3.13", requests=requests, **more
        )
        return meter_counts([row], terms).get(MeterKey("2026-11", "us-east-1", name, "f"), 0)

    a_call = counted(1500, calls=1000) / 1000
    assert a_call == counted(1000, calls=1000) / 1000
    assert counted(1500) == pytest.approx(1500 * a_call, abs=1)
    assert counted(1500, direct_requests=300) == pytest.approx(1200 * a_call, abs=1)
    assert counted(20, calls=0) == 0


def test_every_driver_is_used_and_calls_have_triggers() -> None:
    assert {one.driver for one in meters().values()} == set(Driver)
    for one in meters().values():
        assert bool(one.triggers) or one.driver is not Driver.CALL


def test_durable_data_is_written_in_gb_of_a_million_kb() -> None:
    """1,000,000 KB are one GB in AWS's example, .25; of the other meters' GB it would be .238."""
    assert priced({"durable_written_gb": 1_000_000 * 1024}) == Decimal("0.25")
    assert priced({"durable_operations": 3_000_000 * 1_000_000}) == Decimal("24")
    assert priced({"nat_gb": 1 << 30}) == Decimal("0.045")
