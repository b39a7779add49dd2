"""The same traffic on other platforms, against cases worked by hand and against what other rooms say."""

import json
import re
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

import lambdasim as ls
from lambdasim.catalog import Knowledge
from lambdasim.catalog.equivalents import equivalents
from lambdasim.catalog.prices.meters import meters
from lambdasim.catalog.prices.platforms import platform_book
from lambdasim.catalog.prices.servers import Server, ec2_instances
from lambdasim.cli import app
from lambdasim.errors import InputError
from lambdasim.plots import plot_platform_latency, plot_platforms
from lambdasim.report.pages.platforms import platforms_page
from lambdasim.specs.trigger import TriggerType
from lambdasim.study.measures import monthly_bill
from lambdasim.study.platforms.fronts import DOORS, Door
from lambdasim.study.platforms.lock_in import lock_in, tied
from lambdasim.study.platforms.managed import ManagedNeed, managed_plan
from lambdasim.study.platforms.nodes import Pods, allocatable, nodes_usd
from lambdasim.study.platforms.payback import paid_back, paybacks
from lambdasim.study.platforms.result import PlatformComparison
from lambdasim.study.platforms.tables import Range

STEADY = """
name: steady
start: 2026-11-01T00:00:00Z
duration: 1h
free_tier: {free}
region: {region}
functions:
  - name: f
    runtime: {runtime}
    memory_mb: {memory}
    timeout: 10s
    init_ms: 0
    work: {{cpu_ms: {cpu}, io_ms: {io}{used}}}
    payload: {{request_kb: 4, response_kb: {response}}}
    trigger: {{type: {trigger}}}
    traffic: {{constant: {{rate_per_s: 2}}}}
"""
REQUESTS = 7200 * 730
HOURS = 730


def steady(
    *,
    free: bool = False,
    region: str = "us-east-1",
    runtime: str = "nodejs22.x",
    memory: int = 1769,
    cpu: int = 20,
    io: int = 80,
    used: int | None = 200,
    response: int = 0,
    trigger: str = "function_url",
) -> ls.ScenarioSpec:
    text = STEADY.format(
        free=str(free).lower(),
        region=region,
        runtime=runtime,
        memory=memory,
        cpu=cpu,
        io=io,
        used="" if used is None else f", max_memory_mb: {used}",
        response=response,
        trigger=trigger,
    )
    return ls.load_scenario_text(text)


def found(
    spec: ls.ScenarioSpec, *only: str, at_once: int | None = None, off: int = 0, ready: int = 0
) -> PlatformComparison:
    terms = ls.PlatformTerms(
        only=only, requests_at_once=at_once, google_off_percent=Decimal(off), always_ready=ready
    )
    return ls.platforms(spec, terms=terms, replications=1)


def rows(comparison: PlatformComparison, key: str) -> list[dict[str, float]]:
    table = comparison.frame()
    return table[table["key"] == key].to_dict("records")  # type: ignore[return-value]


@pytest.fixture(scope="module")
def everywhere() -> PlatformComparison:
    return found(steady())


def test_workers_by_hand() -> None:
    """5 a month, what exceeds 10M requests and 30M ms of CPU; waiting and memory cost nothing."""
    (row,) = rows(found(steady(used=100), "workers"), "workers")
    cpu_ms = REQUESTS * 20
    assert row["usd"] == pytest.approx(5 + (cpu_ms - 30e6) * 0.02 / 1e6, rel=1e-12)
    assert row["egress_usd"] == row["front_usd"] == 0
    assert (row["p50_ms"], row["p99_ms"]) == (100, 100)


def test_consumption_by_hand() -> None:
    """Each run by itself: 100 ms of 256 MB, which is 200 MB up to the next step of 128."""
    (row,) = rows(found(steady(), "azure_consumption"), "azure_consumption")
    gb_s = REQUESTS * 100 * 256 / 1_024_000
    assert (
        gb_s * 0.000016 <= row["compute_usd"] < gb_s * 0.000016 * 1.001
    )  # those that wait for the first share its CPU
    assert row["requests_usd"] == pytest.approx(REQUESTS * 0.2e-6, rel=1e-12)


def test_short_runs_pay_the_least_that_consumption_and_flex_bill() -> None:
    """Runs of 10 ms: 100 ms each on Consumption; on Flex 0.5 s apart, each second covers two, whoever served them."""
    spec = steady(cpu=5, io=5)
    (row,) = rows(found(spec, "azure_consumption"), "azure_consumption")
    assert row["compute_usd"] == pytest.approx(REQUESTS * 100 * 256 / 1_024_000 * 0.000016, rel=1e-12)
    (row,) = rows(found(spec, "azure_flex", at_once=16), "azure_flex")
    all_month = HOURS * 3600 * 2  # GB-s of one instance of 2,048 MB that is never idle for a second
    assert row["compute_usd"] == pytest.approx(all_month * 0.000026, rel=0.01)


def test_memory_that_nobody_knows_is_a_range_on_consumption() -> None:
    low, high = rows(found(steady(used=None, memory=1024), "azure_consumption"), "azure_consumption")
    assert high["compute_usd"] == pytest.approx(8 * low["compute_usd"])


def test_cloud_run_bills_busy_time_and_start_up() -> None:
    """Two runs a second of 100 ms at one vCPU: 0.2 s a second, and the start of what was started at the beginning."""
    comparison = found(steady(), "cloud_run", "cloud_run_instances", at_once=1)
    (row,) = rows(comparison, "cloud_run")
    rate = 0.000024 + 0.0000025 * 256 / 1024
    busy = REQUESTS * 0.1 * rate
    starts = row["peak"] * 7 * HOURS * rate
    assert busy < row["compute_usd"] <= busy + starts + 1e-9
    (life,) = rows(comparison, "cloud_run_instances")
    all_of_one = 3600 * HOURS * (0.000018 + 0.000002 * 512 / 1024)
    assert all_of_one * 0.99 < life["compute_usd"] < all_of_one * (0.25 * row["peak"] + 1.1)


def test_lambda_is_its_own_bill(everywhere: PlatformComparison) -> None:
    (row,) = rows(everywhere, "lambda")
    bill = ls.simulate(steady()).charges()
    assert row["usd"] == pytest.approx(float(bill.total) * HOURS, rel=1e-9)
    assert row["p50_ms"] == 100


def test_servers_are_those_of_the_break_even() -> None:
    """One truth: both ends of requests per process as `break-even` has them, and a load balancer beside."""
    spec = steady(free=True)
    ends = ls.break_even(spec, multiples=[1], replications=2).ends.set_index("option")
    comparison = ls.platforms(
        spec, terms=ls.PlatformTerms(only=("fargate", "ec2", "managed_instances")), replications=2
    )
    for key, option in (("fargate", "Fargate"), ("ec2", "EC2"), ("managed_instances", "managed instances")):
        one, many, *_ = rows(comparison, key)
        assert one["compute_usd"] == pytest.approx(float(ends.loc[option, "one_usd"]))
        assert many["compute_usd"] == pytest.approx(float(ends.loc[option, "many_usd"]))


def test_knative_by_hand(everywhere: PlatformComparison) -> None:
    """A cluster, and two nodes at least; a node of two vCPUs, of which the kubelet keeps a part, holds one pod of one."""
    for row in rows(everywhere, "knative"):
        assert row["fixed_usd"] == pytest.approx(0.10 * HOURS)
        assert row["compute_usd"] == pytest.approx(0.08925 * HOURS * max(row["peak"], 2))
    m7i = next(one for one in ec2_instances("x86_64", "us-east-1") if one.name == "m7i.large")
    cpu, memory, pods = allocatable(m7i)
    assert (cpu, memory, pods) == (1930, 8192 - 255 - 11 * 29 - 100, 29)
    fleet, hours = {"x86_64": (m7i,)}, Fraction(10)
    for count, nodes in ((1, 2), (29 * 2, 2), (29 * 2 + 1, 3)):
        small = nodes_usd([Pods("x86_64", count, 10, 10)], fleet, hours)
        assert not isinstance(small, str)
        assert small.usd == Decimal("0.1008") * nodes * 10
    assert "holds its pods" in str(nodes_usd([Pods("x86_64", 1, 2000, 10)], fleet, hours))


def test_fronts_are_paired_like_with_like() -> None:
    """A gateway against a gateway, an address against an address, a load balancer against a load balancer."""
    gateway = found(
        steady(used=100, trigger="api_gateway_http"), "cloud_run", "azure_flex", "workers", "ec2", at_once=1
    )
    assert rows(gateway, "lambda")[0]["front_usd"] == pytest.approx(REQUESTS * 1e-6)
    assert rows(gateway, "cloud_run")[0]["front_usd"] == pytest.approx(REQUESTS * 3e-6)
    assert rows(gateway, "azure_flex")[0]["front_usd"] == pytest.approx(REQUESTS * 3.5e-6)
    assert rows(gateway, "workers")[0]["front_usd"] == 0
    servers = rows(gateway, "ec2")[0]["front_usd"]
    assert servers > 0.0225 * HOURS
    balancer = found(steady(trigger="alb"), "cloud_run", "azure_flex", "ec2", at_once=1)
    assert (
        rows(balancer, "lambda")[0]["front_usd"]
        == pytest.approx(servers)
        == rows(balancer, "ec2")[0]["front_usd"]
    )
    assert rows(balancer, "cloud_run")[0]["front_usd"] >= 0.025 * HOURS
    assert rows(balancer, "azure_flex")[0]["front_usd"] != rows(balancer, "azure_flex")[0]["front_usd"]
    assert any("front: its price is unknown" in one and "Flex" in one for one in balancer.caveats())
    assert "Azure" not in balancer.headline().split("Left out of this comparison")[0]
    assert not balancer.payback()["platform"].str.contains("Azure").any()
    address = found(steady(), "cloud_run", "ec2", at_once=1)
    assert rows(address, "lambda")[0]["front_usd"] == rows(address, "cloud_run")[0]["front_usd"] == 0
    assert set(DOORS.values()) == set(Door)


def test_egress_is_what_answers_weigh() -> None:
    """5,256,000 answers of 100 KB, 501 GiB: at each vendor's price, its free part taken off only with free grants."""
    gb = REQUESTS * 100 / 1024**2
    for free, part in ((True, 1), (False, 0)):
        comparison = found(
            steady(used=100, response=100, free=free), "cloud_run", "azure_flex", "workers", at_once=1
        )
        assert rows(comparison, "lambda")[0]["egress_usd"] == pytest.approx((gb - 100 * part) * 0.09)
        assert rows(comparison, "cloud_run")[0]["egress_usd"] == pytest.approx((gb - part) * 0.105)
        assert rows(comparison, "azure_flex")[0]["egress_usd"] == pytest.approx((gb - 100 * part) * 0.087)
        assert rows(comparison, "workers")[0]["egress_usd"] == 0


def test_grants_only_lower_a_bill_and_without_them_is_the_same_whatever_the_scenario_says() -> None:
    with_grants, without = found(steady(free=True)), found(steady(free=False))
    for key in with_grants.frame()["key"].unique():
        for one, other in zip(rows(with_grants, key), rows(without, key), strict=True):
            assert one["usd"] <= other["usd"] + 1e-9
            assert one["without_grants_usd"] == pytest.approx(other["without_grants_usd"])
            assert other["usd"] == pytest.approx(other["without_grants_usd"])


def test_dear_regions_are_dear_by_their_own_tiers() -> None:
    """Frankfurt is of Google's second tier: 1.4 times the first; servers have prices of their own."""
    home = found(steady(), "cloud_run", "fargate", at_once=1)
    away = found(steady(region="eu-central-1"), "cloud_run", "fargate", at_once=1)
    assert rows(away, "cloud_run")[0]["compute_usd"] == pytest.approx(
        1.4 * rows(home, "cloud_run")[0]["compute_usd"]
    )
    assert rows(away, "fargate")[0]["compute_usd"] > rows(home, "fargate")[0]["compute_usd"]
    nowhere = found(steady(region="eu-west-2"))
    assert {"ec2", "fargate", "knative"}.isdisjoint(nowhere.frame()["key"])
    assert any("has no price" in one for one in nowhere.caveats())


def test_what_cannot_run_somewhere_says_why() -> None:
    java = found(steady(runtime="java21", memory=6000, used=None))
    refused = "\n".join(java.caveats())
    assert "Cloudflare Workers: f is written for java21" in refused
    assert "Azure Functions Flex: f needs 6,000 MB" in refused
    assert {"workers", "azure_flex"}.isdisjoint(java.frame()["key"])
    busy = "\n".join(found(steady(used=129), "workers").caveats())
    assert "f needs 129 MB" in busy


def test_sharing_an_instance_costs_no_more_than_the_sum_and_waits_for_cpu() -> None:
    """Requests that only wait share an instance for nothing; requests that compute wait for each other."""
    spec = ls.revised(
        steady(cpu=0, io=900),
        {
            "functions": (
                ls.revised(steady(cpu=0, io=900).functions[0], {"traffic": {"poisson": {"rate_per_s": 9}}}),
            )
        },
    )
    both = rows(found(spec, "cloud_run"), "cloud_run")
    alone, shared = both
    assert shared["compute_usd"] < alone["compute_usd"] / 4
    assert shared["peak"] < alone["peak"]


def test_large_bills_fit_a_terminal_too() -> None:
    spec = steady()
    traffic = {"traffic": {"constant": {"rate_per_s": 300}}, "work": {"cpu_ms": 300, "io_ms": 3000}}
    large = ls.revised(
        spec, {"functions": (ls.revised(spec.functions[0], traffic),), "duration_us": 60_000_000}
    )
    said = found(large).text()
    assert "$1" in said
    assert max(map(len, said.splitlines())) <= 80


def test_the_same_twice_and_a_clear_word_for_bad_input() -> None:
    spec = steady()
    assert found(spec, "cloud_run").to_json() == found(spec, "cloud_run").to_json()
    with pytest.raises(InputError, match=r"must be among cloud_run, .*'gcp'"):
        found(spec, "gcp")
    with pytest.raises(InputError, match="requests_at_once: must be from 1"):
        ls.PlatformTerms(requests_at_once=0)
    with pytest.raises(InputError, match="replications: must be at least 1"):
        ls.platforms(spec, replications=0)


def test_queues_streams_and_other_triggers_end() -> None:
    spec = ls.load_scenario_text("""
name: queue
start: 2026-11-01T00:00:00Z
duration: 10min
functions:
  - {name: q, memory_mb: 512, timeout: 30s, work: {cpu_ms: 5, io_ms: 20, timeout_probability: 0.01},
     trigger: {type: sqs, queue: {batch_size: 10}}, traffic: {poisson: {rate_per_s: 5}}}
  - {name: s, architecture: arm64, memory_mb: 512, timeout: 30s, work: {cpu_ms: 5}, trigger: {type: schedule},
     traffic: {schedule: rate(1 minute)}}
""")
    comparison = found(spec)
    assert len(comparison.frame()) > 10
    said = " ".join(comparison.caveats())
    assert "each message or record is a request of its own" in said
    assert "arm64" in said


def test_the_page_and_the_command_say_the_same(everywhere: PlatformComparison, tmp_path: Path) -> None:
    page = platforms_page(everywhere)
    content = json.loads(page.to_json())
    assert content["requests"] == REQUESTS
    assert len(content["platforms"]) == len(everywhere.ranges)
    file = tmp_path / "s.yaml"
    file.write_text(
        STEADY.format(
            free="false",
            region="us-east-1",
            runtime="nodejs22.x",
            memory=1769,
            cpu=20,
            io=80,
            used=", max_memory_mb: 200",
            response=0,
            trigger="function_url",
        )
    )
    done = CliRunner().invoke(app, ["platforms", str(file), "--replications", "1", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["platforms"] == content["platforms"]
    bad = CliRunner().invoke(app, ["platforms", str(file), "--only", "gcp"])
    assert isinstance(bad.exception, InputError)


TIED = """
name: orders
start: 2026-11-01T00:00:00Z
duration: 10min
neighbours: {include: [traces], held: {secrets: 3, nat_hours: 2}}
functions:
  - {name: api, runtime: java21, snap_start: {}, memory_mb: 1024, timeout: 10s, trigger: {type: api_gateway_rest},
     uses: {per_run: {dynamodb_writes: 2}}, work: {cpu_ms: 20}, traffic: {poisson: {rate_per_s: 1}}}
  - {name: pay, memory_mb: 512, timeout: 10s, trigger: {type: sqs, queue: {message_groups: 5}},
     provisioned_concurrency: [{at: 0s, count: 1}], work: {cpu_ms: 20}, traffic: {poisson: {rate_per_s: 1}}}
  - {name: img, package_type: image, memory_mb: 512, timeout: 10s, trigger: {type: s3, on_failure: dlq},
     work: {cpu_ms: 20}, traffic: {poisson: {rate_per_s: 1}}}
"""


def test_what_ties_a_scenario_to_aws_is_what_it_names() -> None:
    ties = {tie.piece: tie for tie in lock_in(ls.load_scenario_text(TIED))}
    assert {tie.effort for tie in ties.values()} == {"none", "rebuild", "adapt", "drop-in"}
    assert {piece: tie.functions for piece, tie in ties.items()} == {
        "SnapStart": "api",
        "DynamoDB tables and streams": "api",
        "SQS FIFO queue": "pay",
        "REST API of API Gateway": "api",
        "S3 events and objects": "img",
        "dead-letter queue or destination": "img",
        "zip package and layers": "api, pay",
        "container image": "img",
        "IAM role of the function": "api, pay, img",
        "CloudWatch logs and metrics, X-Ray": "api, pay, img",
        "Secrets Manager, SSM parameters, KMS keys": "(shared)",
        "VPC: NAT gateways and endpoints": "(shared)",
        "provisioned concurrency": "pay",
    }
    efforts = [tie.effort for tie in lock_in(ls.load_scenario_text(TIED))]
    assert efforts == sorted(efforts, key=["none", "rebuild", "adapt", "drop-in"].index)
    light = lock_in(steady())
    assert {tie.effort for tie in light} <= {"adapt", "drop-in"}
    assert "Nothing must be rebuilt" in tied(light)


def test_every_trigger_and_every_meter_has_its_piece() -> None:
    pieces = equivalents().values()
    for trigger in (*TriggerType, "sqs_fifo"):
        assert len([one for one in pieces if trigger in one.triggers]) == 1, trigger
    paid_for_elsewhere_too = ("transfer_", "alb_", "api_gateway")
    for meter in meters():
        if not meter.startswith(paid_for_elsewhere_too):
            assert len([one for one in pieces if one.meters and meter.startswith(one.meters)]) == 1, meter


def test_a_move_pays_back_by_hand() -> None:
    """Lambda 100 to 110; another asks 60 to 90: it saves 10 to 50 a month, so 1,000 come back after 20 to 100 months."""
    ours, other, dear = (
        Range(name, name, low, high, low, high, (1.0, 1.0), (1.0, 1.0), (0.0, 0.0))
        for name, low, high in (("lambda", 100.0, 110.0), ("other", 60.0, 90.0), ("dear", 200.0, 300.0))
    )
    saved, lost = paybacks([ours, other, dear], Decimal(1000))
    assert (saved.low_saving_usd, saved.high_saving_usd, saved.affordable_usd) == (10, 50, 240)
    assert (saved.low_months, saved.high_months) == (20, 100)
    assert (lost.low_saving_usd, lost.high_saving_usd, lost.affordable_usd) == (-200, -90, 0)
    assert lost.low_months == lost.high_months == float("inf")
    assert "other, after 20 months to 100" in paid_back([saved, lost], Decimal(1000))
    assert "$240.00 for other" in paid_back(paybacks([ours, other], None), None)
    assert paid_back([lost], None) == "No platform is cheaper, so no move pays for itself."
    assert "is not known" in paid_back([lost], None, all_known=False)


COUPLED = """
name: t
start: 2026-11-02T00:00:00Z
duration: 2h
free_tier: false
platform: {{keep_alive: 10min}}
functions:
  - {{name: f, memory_mb: 1769, runtime: nodejs22.x, init_ms: 0, timeout: 5s, trigger: {{type: sdk}},
     work: {{io_ms: {f}, cpu_ms: 10}}, traffic: {{constant: {{rate_per_s: 0.5}}}}{calls}}}
  - {{name: g, memory_mb: 1769, runtime: nodejs22.x, init_ms: 0, timeout: 5s, trigger: {{type: sdk}},
     work: {{io_ms: 50, cpu_ms: 10}}{traffic}}}
{machine}
"""
MACHINE = """
state_machines:
  - name: m
    traffic: {constant: {rate_per_s: 0.5}}
    definition: {StartAt: G, States: {G: {Type: Task, Resource: g, End: true}}}
"""


def test_functions_that_call_ask_for_what_they_would_with_their_own_traffic_and_waiting() -> None:
    """A callee of 60 ms costs everywhere what it costs with the caller's traffic, and the caller waits for it."""
    own = ", traffic: {constant: {rate_per_s: 0.5}}"
    apart = COUPLED.format(f=160, calls="", traffic=own, machine="")
    chain = COUPLED.format(f=100, calls=", calls: [{function: g}]", traffic="", machine="")
    machine = COUPLED.format(f=160, calls="", traffic="", machine=MACHINE)
    terms = ls.PlatformTerms(requests_at_once=1)
    found = [
        ls.platforms(ls.load_scenario_text(text), terms=terms, replications=1)
        for text in (apart, chain, machine)
    ]
    frames = [one.frame().set_index("key") for one in found]
    assert {"cloud_run", "azure_flex", "workers", "vercel", "fargate", "managed_instances"} <= set(
        frames[0].index
    )
    money = [name for name in frames[0] if "usd" in name]
    for other in frames[1:]:
        assert sorted(other.index) == sorted(frames[0].index)
        for key in frames[0].index.unique():
            for name in money:
                expected, got = (one.loc[[key], name].tolist() for one in (frames[0], other))
                assert got == pytest.approx(expected, rel=2e-3, nan_ok=True), (key, name)
    assert "callers wait for answers as long as on Lambda" in " ".join(found[1].text().split())


def test_calls_into_queues_are_refused() -> None:
    """What a queue's pollers would ask for elsewhere is not known; a bill without it would look right and be wrong."""
    text = COUPLED.format(f=100, calls=", calls: [{function: g, how: trigger}]", traffic="", machine="")
    spec = ls.load_scenario_text(
        text.replace("type: sdk},\n     work: {io_ms: 50", "type: sqs},\n     work: {io_ms: 50")
    )
    with pytest.raises(InputError, match="must not call into queues or streams: what g would ask for"):
        ls.platforms(spec)


def server(name: str, vcpus: int, memory_gb: int, usd: str) -> Server:
    return Server(
        name, True, "arm64", Decimal(vcpus), Decimal(memory_gb), Decimal(usd), "a page", date(2026, 3, 19),
        Knowledge.AWS_PAGE,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("computing", "concurrency", "memory_mb", "environments", "instances"),
    [
        (0.25, 100, 512, 25, "14 x c7g.xlarge"),  # AWS's sample: 25 in threes are 9, half as many again 14
        (
            0.125,
            100,
            512,
            13,
            "20 x c7g.xlarge",
        ),  # eight of 512 MB are 4 GB: one a GB of 7, so 13 and half of that
        (0.26, 6, 512, 3, "3 x c7g.xlarge"),  # two a vCPU; never less than three
        (1.0, 1, 2048, 1, "3 x c7g.xlarge"),
    ],
)
def test_managed_instances_as_aws_sizes_them(
    computing: float, concurrency: int, memory_mb: int, environments: int, instances: str
) -> None:
    xlarge = server("c7g.xlarge", 4, 8, "0.1450")
    need = ManagedNeed("arm64", memory_mb, concurrency, computing)
    plan = managed_plan([need], {"arm64": (xlarge,)}, Fraction(730), 1_000_000)
    assert plan is not None
    assert (plan.environments, plan.instances) == ((environments,), instances)
    count = int(instances.split(maxsplit=1)[0])
    assert plan.usd == count * Decimal("0.1450") * 730 * Decimal("1.15") + Decimal("0.20")
    large = server("c7g.large", 2, 4, "0.0725")
    too_large = ManagedNeed("arm64", 4096, 1, 1.0)
    assert managed_plan([too_large], {"arm64": (large,)}, Fraction(730), 0) is None
    with pytest.raises(InputError, match="must be from 0 to 1"):
        managed_plan([need._replace(computing=1.5)], {"arm64": (xlarge,)}, Fraction(730), 0)


def test_what_a_move_costs_must_be_an_amount() -> None:
    with pytest.raises(InputError, match="leaving_usd: must be an amount"):
        ls.PlatformTerms(leaving_usd=Decimal("NaN"))
    with pytest.raises(InputError, match="leaving_usd: must be an amount"):
        ls.PlatformTerms(leaving_usd=Decimal(-1))


def test_a_committed_use_discount_and_held_instances_by_hand() -> None:
    """2 a second of 100 ms on Cloud Run at 17 % off; a held Flex instance of 512 MB, idle and serving all that it can."""
    spec = steady(memory=512, used=200)
    plain, ours = (found(spec, "cloud_run", at_once=1, off=percent) for percent in (0, 17))
    by_list, off = (one.table.set_index("key").loc["cloud_run"] for one in (plain, ours))
    for part in ("compute_usd", "requests_usd"):
        assert off[part] == pytest.approx(float(by_list[part]) * 0.83)
    assert "Cloud Run: committed use discount" in set(ours.parameters()["parameter"])
    bare = found(spec, "azure_flex", at_once=1).table.set_index("key").loc["azure_flex"]
    held = found(spec, "azure_flex", at_once=1, ready=1).table
    idle, serving = (row for _, row in held[held["key"] == "azure_flex"].iterrows())
    gb_s = HOURS * 3600 * 0.5
    assert idle["fixed_usd"] == serving["fixed_usd"] == pytest.approx(gb_s * 0.000004)
    assert idle["compute_usd"] == bare["compute_usd"]
    executed = float(bare["compute_usd"]) / 0.000026
    on_held = min(executed, gb_s)
    assert serving["compute_usd"] == pytest.approx(on_held * 0.000016 + (executed - on_held) * 0.000026)
    with pytest.raises(InputError, match="google_off_percent: must be from 0 to 100"):
        ls.PlatformTerms(google_off_percent=Decimal(101))
    with pytest.raises(InputError, match="always_ready: must be from 0 to 1,000"):
        ls.PlatformTerms(always_ready=-1)


@pytest.mark.usefixtures("rendered")
def test_every_price_has_source_and_date_in_text_page_and_json() -> None:
    comparison = found(steady(memory=512, used=100, trigger="api_gateway_http"))
    names = [one.name for one in platform_book().platforms.values()]
    names += [
        "AWS Lambda",
        "AWS: HTTP API",
        "Fargate",
        "EC2",
        "managed instances",
        "Google: gateway",
        "Azure: traffic",
    ]
    listed = comparison.parameters()
    prices = listed[~listed["parameter"].str.contains("start of")]
    assert prices["source"].str.contains(r"20\d\d-\d\d").all(), prices["source"].tolist()
    page, text = platforms_page(comparison), comparison.text()
    for name in names:
        assert prices["parameter"].str.startswith(name).any(), name
        assert all(name in view for view in (page.to_html(), page.to_json()))
        assert f"- {name}" in text


def test_a_single_value_is_drawn_as_a_point_and_a_range_as_long_as_it_is(
    everywhere: PlatformComparison,
) -> None:
    ax = plot_platforms(everywhere)
    ranges = [(one.low_usd, one.high_usd) for one in everywhere.ranges]
    wide = [(low, high) for low, high in ranges if high > 1.1 * low]
    drawn = [(bar.get_x(), bar.get_x() + bar.get_width()) for bars in ax.containers for bar in bars]
    assert drawn == [pytest.approx(one) for one in wide]
    points = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "D"]
    assert sorted([*points, *(low for low, _ in wide)]) == sorted(low for low, _ in ranges)


def test_what_a_gateway_throttles_on_lambda_is_said() -> None:
    """A steady 2 a second behind a throttle of 1: about half never runs on Lambda, and the others serve all."""
    spec = steady(trigger="api_gateway_http", used=100)
    trigger = {"type": "api_gateway_http", "throttle": {"rate_per_s": 1, "burst": 1}, "client_retries": 0}
    tight = ls.revised(spec, {"functions": (ls.revised(spec.functions[0], {"trigger": trigger}),)})
    comparison = found(tight, "workers")
    assert comparison.replications[0].not_run_share == pytest.approx(0.5, abs=0.02)
    assert any("never ran there" in one for one in comparison.caveats())
    (row,) = rows(comparison, "workers")
    assert row["usd"] == pytest.approx(5 + (REQUESTS * 20 - 30e6) * 0.02 / 1e6)
    assert not any("never ran there" in one for one in found(spec, "workers").caveats())


def test_runs_that_repeat_failures_on_lambda_alone_are_said_before_anything_is_called_cheaper() -> None:
    """Half of the runs fail, and Lambda's queue tries each twice more: 1.75 runs an event, elsewhere one."""
    spec = steady(trigger="sns", used=100)
    function = spec.functions[0]
    failing = ls.revised(function, {"work": ls.revised(function.work, {"error_probability": 0.5})})
    comparison = found(ls.revised(spec, {"functions": (failing,), "duration_us": 1_800_000_000}), "workers")
    assert comparison.replications[0].repeated_share == pytest.approx(0.75 / 1.75, abs=0.01)
    assert re.search("4[123]% of Lambda.s runs repeat what failed", comparison.headline())
    assert any("of Lambda's runs repeat" in one for one in comparison.caveats())
    unfailing = found(spec, "workers")
    assert unfailing.replications[0].repeated_share == 0
    assert "repeat" not in unfailing.headline()


def test_how_a_month_is_made_of_a_run_is_said_first() -> None:
    assert found(steady(), "workers").caveats()[-1].startswith("left out on every side")
    said = found(steady(), "workers").caveats()
    assert any(one.startswith("Monthly figures scale this run of 1h") for one in said)
    assert any("a month counts that 730 times" in one for one in said)


def test_all_ways_into_a_function_are_one_service() -> None:
    """Two ways with every other request each cost, elsewhere, what one way with all requests costs."""
    base = (
        "name: t\nstart: 2026-11-01T00:00:00Z\nduration: 20m\nfree_tier: false\nfunctions:\n"
        "  - {{name: f, memory_mb: 1769, runtime: nodejs22.x, timeout: 10s, init_ms: 0, trigger: {{type: function_url}}, "
        "work: {{cpu_ms: 20, io_ms: 180, max_memory_mb: 200}}, traffic: {{constant: {{rate_per_s: {rate}}}}}}}\n"
    )
    second = (
        "  - {name: g, shares: f, trigger: {type: function_url}, work: {cpu_ms: 20, io_ms: 180, max_memory_mb: 200}, "
        "traffic: {constant: {rate_per_s: 10}, start: 50ms}}\n"
    )
    terms = ls.PlatformTerms(only=("cloud_run", "azure_flex", "workers", "managed_instances"))
    one, two = (
        ls.platforms(ls.load_scenario_text(text), terms=terms, replications=1)
        for text in (base.format(rate=20), base.format(rate=10) + second)
    )
    assert one.frame().equals(two.frame())
    assert "several ways into f: on other clouds one service" in " ".join(two.text().split())


QUEUED = """
name: queued
start: 2026-11-01T00:00:00Z
duration: 10min
free_tier: false
functions:
  - {name: slow, memory_mb: 1769, timeout: 20s, init_ms: 0, work: {io_ms: 8},
     trigger: {type: sqs, queue: {batch_size: 10, batch_window: 5s}}, traffic: {constant: {rate_per_s: 1}}}
"""


def test_latency_starts_with_the_invocation_on_every_platform() -> None:
    """One message every second and a window of 5 s: messages wait seconds, a batch of five runs 40 ms."""
    comparison = found(ls.load_scenario_text(QUEUED), "cloud_run", at_once=1)
    ours = rows(comparison, "lambda")[0]
    assert ours["p50_ms"] == 8 * 5  # the time of its batch is each message's
    offer = next(one for one in comparison.replications[0].offers if one.key == "lambda")
    assert len(offer.latency_ms) == pytest.approx(600, rel=0.02)  # as many as other platforms have requests
    waited = comparison.handed_on_ms
    assert waited.quantile(0.5) > 1000
    assert any(f"{waited.quantile(0.5):,.0f} ms after it was sent" in one for one in comparison.caveats())
    assert "invocation to end" in plot_platform_latency(comparison).get_xlabel()
    assert "from the function's invocation" in comparison.text().replace("\n  ", " ")


def test_latency_of_clients_is_that_of_the_run(everywhere: PlatformComparison) -> None:
    assert not len(everywhere.handed_on_ms)
    assert "call to answer" in plot_platform_latency(everywhere).get_xlabel()


def test_a_load_balancer_counts_the_bytes_of_servers_and_of_functions_by_their_own_measure() -> None:
    """24 KB twice a second are 0.165 GB an hour: of 0.4 for functions, of 1 for servers; calls are 2 of 25."""
    comparison = found(steady(trigger="alb", response=20), "ec2", at_once=1)
    gb = Fraction(REQUESTS * 24, 1 << 20)
    hours = HOURS * 0.0225
    ours, servers = (rows(comparison, key)[0]["front_usd"] for key in ("lambda", "ec2"))
    assert ours == pytest.approx(hours + float(gb / Fraction("0.4")) * 0.008, rel=1e-5)
    assert servers == pytest.approx(hours + float(max(gb, Fraction(REQUESTS, 25 * 3600))) * 0.008, rel=1e-5)
    assert servers < ours


def test_a_fullest_moment_of_starting_environments_is_said() -> None:
    burst = """
name: burst
start: 2026-11-01T00:00:00Z
duration: 1h
functions:
  - {name: f, memory_mb: 1769, timeout: 20s, init_ms: 5000, work: {io_ms: 20}, traffic: {poisson: {rate_per_s: 20}}}
"""
    comparison = found(ls.load_scenario_text(burst), "ec2", at_once=1)
    assert any(one.startswith("INIT at the fullest moment of f") for one in comparison.caveats())


TWO_DOORS = """
name: doors
start: 2026-11-01T00:00:00Z
duration: 1h
free_tier: false
neighbours: {include: [trigger]HELD}
functions:
  - {name: a, memory_mb: 1769, init_ms: 0, work: {io_ms: 20}, trigger: {type: alb}, traffic: {constant: {rate_per_s: 1}}}
  - {name: b, memory_mb: 1769, init_ms: 0, work: {io_ms: 20}, trigger: {type: alb}, traffic: {constant: {rate_per_s: 1}}}
"""


@pytest.mark.parametrize(
    ("held", "number"), [("", 2), (", held: {alb_hours: 1}", 1), (", held: {alb_hours: 3}", 3)]
)
def test_there_are_as_many_load_balancers_as_on_the_bill(held: str, number: int) -> None:
    spec = ls.load_scenario_text(TWO_DOORS.replace("HELD", held))
    comparison = found(spec, "cloud_run", at_once=1)
    bill = monthly_bill(ls.simulate(spec, keep_records=False))
    front = sum(float(item.amount) for item in bill.items if item.usage_type.startswith("alb_"))
    assert rows(comparison, "lambda")[0]["front_usd"] == pytest.approx(front, rel=1e-6)
    assert front == pytest.approx(number * HOURS * 0.0225, rel=0.05)
    assert rows(comparison, "cloud_run")[0]["front_usd"] == pytest.approx(number * HOURS * 0.025, rel=0.02)


def test_what_belongs_to_a_paid_plan_is_free_without_grants_too() -> None:
    """5.3 M calls of 20 KB: within the 10 M calls and the 1 TB of Vercel's plan; Google's 2 M calls are a grant."""
    spec = steady(trigger="api_gateway_http", response=20, free=False)
    comparison = found(spec, "vercel", "cloud_run", at_once=1)
    plan = rows(comparison, "vercel")[0]
    assert plan["front_usd"] == plan["egress_usd"] == 0
    assert rows(comparison, "cloud_run")[0]["front_usd"] == pytest.approx(REQUESTS * 3e-6)
    granted = found(steady(trigger="api_gateway_http", response=20, free=True), "vercel", at_once=1)
    assert rows(granted, "vercel")[0]["usd"] == pytest.approx(plan["usd"], rel=1e-12)
