"""Break-evens against cases worked by hand, and laws that hold whatever the traffic."""

import json
from dataclasses import replace
from decimal import Decimal
from math import floor, isnan

import numpy as np
import pytest
import yaml

import lambdasim as ls
from lambdasim.catalog.prices.servers import ec2_instances, fargate_tasks, managed_terms
from lambdasim.errors import CatalogError, InputError
from lambdasim.plots.break_even import plot_break_even
from lambdasim.report.pages.money import break_even_page
from lambdasim.study.break_even.result import BreakEven
from lambdasim.study.break_even.search import break_even
from lambdasim.study.break_even.tables import Crossing
from lambdasim.study.break_even.text import count
from lambdasim.study.server_costs import Costs, Option, Scaling, ServerTerms
from lambdasim.study.server_demand import Load, demand_of

STEADY = """
name: steady
start: 2026-11-01T00:00:00Z
duration: 1h
free_tier: {free}
functions:
  - name: f
    memory_mb: 1769
    timeout: 10s
    init_ms: 0
    work: {{{work}}}
    traffic: {{constant: {{rate_per_s: {rate}}}}}
"""
RENT = 2 * Decimal("0.08925") * 730
EACH_GB_S = Decimal("0.9") * 1769 / 1024
EACH_USD = EACH_GB_S * Decimal("0.0000166667") + Decimal("0.0000002")


def steady(*, free: bool = False, work: str = "io_ms: 900", rate: float = 2.0) -> ls.ScenarioSpec:
    return ls.load_scenario_text(STEADY.format(free=str(free).lower(), work=work, rate=rate))


def crossed(spec: ls.ScenarioSpec, **terms: object) -> BreakEven:
    return break_even(spec, terms=ServerTerms(**terms), multiples=[1, 2], replications=2)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def hand() -> BreakEven:
    return crossed(steady())


@pytest.fixture(scope="module")
def bursty() -> BreakEven:
    spec = ls.load_scenario_text("""
name: bursty
start: 2026-11-01T00:00:00Z
duration: 6h
functions:
  - name: arm
    architecture: arm64
    memory_mb: 512
    timeout: 30s
    work: {cpu_ms: {lognormal: {p50: 60, p95: 200}}, io_ms: 30}
    traffic: {bursty: {rates_per_s: [0.5, 20], mean_sojourns: [20min, 5min]}}
  - name: intel
    memory_mb: 1024
    timeout: 30s
    work: {io_ms: {exponential: {mean: 150}}}
    provisioned_concurrency: [{at: 0s, count: 2}]
    traffic: {poisson: {rate_per_s: 3}}
""")
    return break_even(spec, multiples=[0.5, 1, 4], replications=2)


@pytest.fixture(scope="module")
def random() -> BreakEven:
    spec = steady(work="io_ms: 900")
    function = ls.revised(spec.functions[0], {"traffic": {"poisson": {"rate_per_s": 2}}})
    return crossed(ls.revised(spec, {"functions": (function,)}))


def of(found: BreakEven, option: Option) -> Crossing:
    return next(crossing for crossing in found.crossings if crossing.option is option)


def test_the_crossing_of_a_steady_function_by_hand(hand: BreakEven) -> None:
    # Two c7i.large for 730 h are 130.305 USD; two processes of 1,769 MB fit into each, two are needed. A request is
    # 0.9 s x 1,769 / 1,024 GB-s and a fee.
    crossing = of(hand, Option.EC2)
    assert crossing.crossed == 2
    assert abs(crossing.requests.mean - floor(RENT / EACH_USD)) <= 1
    assert crossing.requests.half_width == 0
    assert crossing.server == "2 x c7i.large"
    demand = hand.lines[0].at(crossing.multiple.mean)
    bills = hand.costs.all(demand)
    assert bills[Option.EC2] == RENT
    assert abs(bills[Option.LAMBDA] - RENT) < Decimal("0.01")


def test_the_free_tier_moves_it_by_what_it_is_worth(hand: BreakEven) -> None:
    free = Decimal(1_000_000) * Decimal("0.0000002") + Decimal(400_000) * Decimal("0.0000166667")
    with_free = of(crossed(steady(free=True)), Option.EC2).requests.mean
    assert abs(with_free - floor((RENT + free) / EACH_USD)) <= 1
    assert with_free > of(hand, Option.EC2).requests.mean


def test_fargate_by_hand() -> None:
    # A task of 1 vCPU and 2 GB holds one process; two executions at once at full use are two tasks.
    found = crossed(steady(), utilization=1.0, task="1 vCPU 2 GB")
    demand = found.lines[0].simulated[0]
    assert found.costs.usd(Option.FARGATE, demand) == 2 * 730 * (Decimal("0.04048") + 2 * Decimal("0.004445"))
    assert found.costs.servers(Option.FARGATE, demand) == "2 x 1 vCPU 2 GB"


@pytest.mark.parametrize(
    ("work", "servers"),
    [("io_ms: 900", 3), ("cpu_ms: 900", 5), ("io_ms: 450, cpu_ms: 450", 3)],
    ids=["memory fills them", "vCPUs fill them", "half of a vCPU each"],
)
def test_servers_are_counted_by_what_fills_first(work: str, servers: int) -> None:
    # Nine executions at once in 10 x 0.9 s: 9 / 4 by memory, 9 / 2 or 4.5 / 2 by vCPUs.
    found = crossed(steady(work=work, rate=10), utilization=1.0, instance="m7i.large")
    assert found.costs.servers(Option.EC2, found.lines[0].simulated[0]) == f"{servers} x m7i.large"


@pytest.mark.parametrize(
    ("work", "timeout", "others"),
    [
        (
            "io_ms: 100}, calls: [{function: g}]",
            "10s",
            "{name: g, memory_mb: 128, init_ms: 0, work: {io_ms: 800}}",
        ),
        ("io_ms: 100, timeout_probability: 0.08}", "10100ms", ""),  # one in 12.5 hangs 10 s longer
    ],
    ids=["waits for what it calls", "hangs"],
)
def test_servers_hold_what_waits_or_hangs_as_long_as_lambda_does(
    work: str, timeout: str, others: str
) -> None:
    """900 ms of each run on average, like those of a function of its own 900 ms: as many processes at once."""
    text = """{{name: held, start: 2026-11-01T00:00:00Z, duration: 5min, functions: [
      {{name: f, memory_mb: 1769, timeout: {timeout}, init_ms: 0, traffic: {{constant: {{rate_per_s: 20}}}},
        work: {{{work}}}, {others}]}}"""

    def memory(work: str, timeout: str, others: str) -> float:
        spec = ls.load_scenario_text(text.format(work=work, timeout=timeout, others=others))
        run = ls.simulate(spec, engine="reference", keep_records=False)
        load = demand_of(run, ec2_instances("x86_64", "us-east-1")).loads["x86_64"]["m7i.large"]
        assert load.memory[0] >= load.offered_memory[0]
        return float(load.offered_memory[0])

    rest = 16 / 64 if others else 0.0  # executions of g at once, of which 64 fill a server
    assert memory(work, timeout, others) - rest == pytest.approx(memory("io_ms: 900}", "10s", ""), rel=0.05)


def test_a_fullest_moment_of_starts_is_said() -> None:
    """Twenty a second of 200 ms are four at once; in the 6 s that INIT takes 120 start."""
    text = """{{name: starting, start: 2026-11-01T00:00:00Z, duration: 10min, functions: [{{name: f, init_ms: {init},
      timeout: 20s, work: {{io_ms: 200}}, traffic: {{constant: {{rate_per_s: 20}}}}}}]}}"""
    slow, quick = (
        demand_of(
            ls.simulate(
                ls.load_scenario_text(text.format(init=init)), engine="reference", keep_records=False
            ),
            ec2_instances("x86_64", "us-east-1"),
        ).evidence[0]
        for init in (6000, 100)
    )
    assert slow.peak_concurrency > 100
    assert (slow.starts_at_peak, quick.starts_at_peak) == (True, False)


def test_cpu_time_is_kept_whatever_the_memory_on_lambda() -> None:
    loads = []
    for memory_mb in (1769, 885):
        spec = steady(work="cpu_ms: 450")
        function = ls.revised(spec.functions[0], {"memory_mb": memory_mb})
        run = ls.simulate(ls.revised(spec, {"functions": (function,)}), keep_records=False)
        loads.append(demand_of(run, ec2_instances("x86_64", "us-east-1")).loads["x86_64"]["m7i.large"].cpu[0])
    assert loads == pytest.approx([0.5, 0.5], rel=0.01)


def test_managed_instances_cost_what_ec2_does_and_fee_and_requests(bursty: BreakEven) -> None:
    costs = replace(bursty.costs, terms=replace(bursty.terms, least_servers=3))
    for line in bursty.lines:
        for demand in line.demands:
            rent, managed = costs.usd(Option.EC2, demand), costs.usd(Option.MANAGED, demand)
            assert managed == rent * Decimal("1.15") + demand.requests * Decimal("0.0000002")


def test_the_fee_is_what_aws_prints_of_twice_the_size() -> None:
    fee = managed_terms().fee_share
    m7g, c7g, r7g = (one for one in ec2_instances("arm64", "us-east-1") if one.is_common)
    assert 2 * m7g.usd_per_hour * fee == Decimal("0.02448")
    assert 2 * c7g.usd_per_hour * fee == Decimal("0.02175")
    assert 2 * r7g.usd_per_hour * fee == Decimal("0.03213")


def test_no_traffic_costs_lambda_nothing_but_what_is_provisioned(hand: BreakEven, bursty: BreakEven) -> None:
    nothing = hand.costs.all(hand.lines[0].at(0.0))
    assert nothing[Option.LAMBDA] == 0
    assert nothing[Option.EC2] == RENT
    assert nothing[Option.MANAGED] == RENT * 3 / 2 * Decimal("1.15")
    idle = bursty.costs.usd(Option.LAMBDA, bursty.lines[0].at(0.0))
    # Two environments of 1 GB for the 730 h that the run stands for; their INIT, some seconds, is billed as well.
    kept = 2 * 730 * 3600 * Decimal("0.0000041667")
    assert kept < idle < kept * Decimal("1.001")


def test_lambda_that_is_always_dearer_is_said_to_be() -> None:
    spec = steady()
    function = ls.revised(spec.functions[0], {"provisioned_concurrency": [{"at": "0s", "count": 100}]})
    found = crossed(ls.revised(spec, {"functions": (function,)}))
    assert [(crossing.crossed, crossing.never_cheaper) for crossing in found.crossings] == [(0, 2)] * 3
    assert "EC2: cheaper than Lambda at any traffic." in found.text()


def test_no_crossing_is_said_to_be_none() -> None:
    found = crossed(steady(rate=0.001))
    assert all(isnan(crossing.requests.mean) for crossing in found.crossings)
    assert "Fargate: no crossing. Lambda is cheaper up to " in found.text()


def test_laws_of_terms(bursty: BreakEven) -> None:
    def usd(**terms: object) -> list[Decimal]:
        costs = Costs(bursty.scenario, replace(bursty.terms, **terms), bursty.fleets)  # type: ignore[arg-type]
        return [costs.usd(option, demand) for option in bursty.fleets for demand in bursty.lines[0].demands]

    own = usd()
    for cheaper in (
        {"utilization": 0.9},
        {"requests_per_process": 4},
        {"least_servers": 1},
        {"scaling": Scaling.HOURLY},
    ):
        assert all(less <= more for less, more in zip(usd(**cheaper), own, strict=True)), cheaper
    bills = bursty.lines[0].lambda_usd(bursty.costs)
    assert bills == sorted(bills)


def test_lambda_is_cheaper_below_and_dearer_above(hand: BreakEven) -> None:
    line, costs = hand.lines[0], hand.costs
    for crossing in hand.crossings:
        assert crossing.crossed == 2
        for multiple in line.grid:
            demand = line.at(multiple)
            lambda_usd, other_usd = costs.usd(Option.LAMBDA, demand), costs.usd(crossing.option, demand)
            if multiple <= crossing.multiple.mean:
                assert lambda_usd <= other_usd
            elif demand.requests > crossing.settled.mean + 1:
                assert lambda_usd > other_usd


def test_load_grows_by_the_square_root_above_what_is_offered() -> None:
    load = Load(*(np.array([value]) for value in (6.0, 3.0, 4.0, 3.0)))
    grown = load.grown(100.0)
    assert grown.cpu[0] == pytest.approx(400 + 2 / 2 * 20)
    assert grown.memory[0] == pytest.approx(300)
    for same, own in zip(load.grown(1.0), load, strict=True):
        np.testing.assert_allclose(same, own)


def test_seeds_give_a_range_and_workers_change_nothing(random: BreakEven) -> None:
    with ls.process_pool(2) as pool:
        again = break_even(random.scenario, multiples=[1, 2], replications=2, executor=pool)
    assert again.text() == random.text()
    assert of(random, Option.EC2).requests.half_width > 0


def test_without_multiples_it_looks_until_lines_cross() -> None:
    found = break_even(steady(rate=0.05), replications=2)
    assert found.multiples[-1] > 1
    crossing = of(found, Option.EC2)
    assert crossing.crossed == 2
    assert crossing.multiple.mean <= found.multiples[-1]


def test_what_speaks_against_lambda_is_told_from_the_run() -> None:
    told = " ".join(crossed(steady(rate=10.5)).text().split())
    assert "Cost: with this traffic" in told
    assert "Steady load: 9.4 executions at once on average, 94% of the peak of 10." in told
    assert "provisioned concurrency saves money above a use of 60% for f" in told
    slow = break_even(
        ls.load_scenario_text("""
name: slow
start: 2026-11-01T00:00:00Z
duration: 12h
functions:
  - {name: long, memory_mb: 1769, timeout: 1000s, work: {io_ms: 950000}, traffic: {constant: {rate_per_s: 0.0002}}}
  - name: rare
    memory_mb: 1769
    keep_alive: 1min
    init_ms: 3000
    work: {io_ms: 50}
    traffic: {poisson: {rate_per_s: 0.01}}
"""),
        multiples=[1],
        replications=2,
    )
    told = " ".join(slow.text().split())
    assert "Long runs: of long one in a hundred takes 950.0 s or more" in told
    assert "Extreme latency:" in told
    assert "of the runs of rare start cold and then take 3,050 ms" in told


def test_texts_fit_eighty_columns_and_pages_hold_them(bursty: BreakEven, hand: BreakEven) -> None:
    for found in (bursty, hand):
        assert max(map(len, found.text().splitlines())) <= 80
    page = break_even_page(hand)
    assert "4.99 million" in " ".join(page.answer)
    assert '"requests_simulated": 10512000.0' in page.to_json()
    assert plot_break_even(hand).get_title(loc="left") == "steady: the month's bill by its traffic"


def test_both_ends_of_requests_per_process_come_first() -> None:
    """200 ms of waiting, 500/s for 4 h a day and 5/s for 20 h, by hand; a month has 730 h."""
    scenario = ls.load_scenario_text("""
name: lambda or fargate
start: 2026-11-01T00:00:00Z
duration: 1d
price_date: 2026-11-01
functions:
  - name: api
    memory_mb: 256
    init_ms: 0
    work: {io_ms: 200, first_run_ms: 0}
    traffic: {poisson: {rate_per_s: 87.5, daily: [1,1,1,1,1,1,1,1,1,1,100,100,100,100,1,1,1,1,1,1,1,1,1,1]}}
""")
    found = break_even(scenario, multiples=[1], replications=2)
    usd = found.ends.set_index("option")
    requests = (500 * 4 + 5 * 20) * 3600 * 730 / 24
    by_hand = (requests - 1e6) * 0.2e-6 + (requests * 0.2 * 0.25 - 400_000) * 0.0000166667
    assert usd.loc["Lambda"].tolist() == pytest.approx([by_hand] * 2, rel=0.003)
    listed = by_hand + 0.2 + 400_000 * 0.0000166667
    assert found.listed_usd == pytest.approx(listed, rel=0.003)
    assert usd.loc["Fargate", "many_usd"] == pytest.approx(2 * 730 * 0.04937)
    assert usd.loc["Fargate", "one_usd"] > usd.loc["Lambda", "one_usd"]
    for view in (found.text(), repr(found)):
        first = " ".join(view.split("no crossing")[0].split())
        assert first.startswith(
            f"With this traffic Lambda costs ${usd.loc['Lambda', 'one_usd']:.2f} a month with the free tier, "
            f"${found.listed_usd:.2f} without."
        )
        assert "Fargate: $72.08 if a process serves many requests at a time" in first
    assert "72.08" in found._repr_html_()
    assert json.loads(found.to_json())["tables"]["both ends"][1]["many_usd"] == pytest.approx(72.08, abs=0.01)


def test_counts_are_words() -> None:
    assert [count(number) for number in (0, 999.4, 1_234_567)] == ["0", "999", "1.23 million"]


@pytest.mark.parametrize(
    "terms",
    [
        {"utilization": 0.0},
        {"utilization": 1.5},
        {"requests_per_process": 0},
        {"least_servers": 0},
        {"instance": "m7g.large"},
        {"instance": "z9.huge"},
        {"task": "3 vCPU 5 GB"},
    ],
)
def test_bad_terms_are_refused(terms: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(terms))):
        crossed(steady(), **terms)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(InputError, match="must be a scenario, as load_scenario returns, got str"):
        break_even("scenario.yaml")  # type: ignore[arg-type]
    for arguments in ({"multiples": [0]}, {"multiples": [float("nan")]}, {"replications": 1}):
        with pytest.raises(InputError):
            break_even(steady(), **arguments)


def test_a_function_too_large_for_an_instance() -> None:
    function = ls.revised(steady().functions[0], {"memory_mb": 10_000})
    large = ls.revised(steady(), {"functions": (function,)})
    assert [crossing.option for crossing in crossed(large).crossings] == [Option.FARGATE]
    with pytest.raises(InputError, match="must hold 10,000 MB"):
        crossed(large, instance="m7i.large")


def test_a_region_without_prices_names_those_that_have_some() -> None:
    elsewhere = ls.revised(steady(), {"region": "eu-west-2"})
    with pytest.raises(CatalogError, match=r"'eu-west-2'; there are prices for us-east-1, us-east-2"):
        crossed(elsewhere)


def test_every_server_has_a_price_and_a_source() -> None:
    for architecture in ("x86_64", "arm64"):
        servers = (*ec2_instances(architecture, "us-east-1"), *fargate_tasks(architecture, "us-east-1"))
        assert all(server.usd_per_hour > 0 and len(server.source) > 10 for server in servers)


def test_a_server_of_ones_own_by_hand() -> None:
    """The same vCPUs and memory as m7i.large, so as many are needed, at a price of one's own."""
    own = ls.OwnServer(Decimal(2), Decimal(8), Decimal("0.05"))
    found = crossed(steady(), own=own)
    assert list(found.fleets)[-1] is Option.OWN
    usd = found.table.set_index(["multiple", "option"])["usd"]
    assert usd[1.0, "own servers"] == pytest.approx(2 * 730 * 0.05)
    assert max(map(len, found.text().splitlines())) <= 80
    assert "own server, 2 vCPU 8 GB" in found.text()
    elsewhere = crossed(ls.revised(steady(), {"region": "eu-west-2"}), own=own)
    assert list(elsewhere.fleets) == [Option.OWN]
    small = ls.OwnServer(Decimal(2), Decimal(1), Decimal("0.05"))
    with pytest.raises(InputError, match="must hold 1,769 MB"):
        crossed(steady(), own=small)
    for bad in ((Decimal(0), Decimal(1), Decimal(1)), (Decimal(1), Decimal("NaN"), Decimal(1)), (1, 1, 1)):
        with pytest.raises(InputError, match="own server's"):
            ls.OwnServer(*bad)  # type: ignore[arg-type]


def test_larger_sizes_are_multiples_and_asked_for_by_name() -> None:
    """Twice the price for twice the vCPUs and memory; a region of its own has its own price."""
    sizes = {one.name: one for one in ec2_instances("x86_64", "eu-central-1")}
    large, double = sizes["m7i.large"], sizes["m7i.xlarge"]
    assert (double.vcpus, double.memory_gb, double.usd_per_hour) == (4, 16, Decimal("0.2415"))
    assert large.usd_per_hour == Decimal("0.12075")
    found = crossed(steady(), instance="m7i.2xlarge")
    usd = found.table.set_index(["multiple", "option"])["usd"]
    assert usd[1.0, "EC2"] == pytest.approx(2 * 730 * 0.4032)
    with pytest.raises(InputError, match=r"such as m7i\.large, c7i\.large; got 'm7i.metal'"):
        crossed(steady(), instance="m7i.metal")


def test_traffic_split_over_two_ways_into_a_function_asks_for_the_same_servers() -> None:
    """60 runs of 30 s are in progress at once, however many ways they came."""

    def fullest(*rates: int) -> float:
        ways = [
            {
                "name": f"way-{number}",
                "traffic": {"constant": {"rate_per_s": rate}},
                "work": {"cpu_ms": 15_000, "io_ms": 15_000, "first_run_ms": 0},
                **({"shares": "way-0"} if number else {"memory_mb": 1769, "timeout": "1min", "init_ms": 0}),
            }
            for number, rate in enumerate(rates)
        ]
        scenario = ls.load_scenario_text(
            yaml.safe_dump(
                {"name": "ways", "start": "2026-11-01T00:00:00Z", "duration": "1h", "functions": ways}
            )
        )
        run = ls.simulate(scenario, keep_records=False)
        load = demand_of(run, ec2_instances("x86_64", "us-east-1")).loads["x86_64"]["m7i.large"]
        assert load.offered_cpu[0] == pytest.approx(60 * 0.5 / 2)  # half of a vCPU each, on servers of two
        return float(load.cpu[0])

    assert fullest(2) == fullest(1, 1) == pytest.approx(60 * 0.5 / 2, rel=0.02)


REGIONS = {
    "us-east-1": ("0.04048", "0.004445", "0.03238", "0.00356", "0.08925", "0.0725"),
    "us-east-2": ("0.04048", "0.004445", "0.03238", "0.00356", "0.08925", "0.0723"),
    "us-west-2": ("0.04048", "0.004445", "0.03238", "0.00356", "0.08925", "0.0725"),
    "eu-west-1": ("0.04048", "0.004445", "0.03238", "0.00356", "0.09576", "0.0775"),
    "eu-central-1": ("0.04656", "0.00511", "0.03725", "0.00409", "0.10185", "0.0825"),
    "ap-southeast-1": ("0.05056", "0.00553", "0.04045", "0.00442", "0.1029", "0.0833"),
    "ap-northeast-1": ("0.05056", "0.00553", "0.04045", "0.00442", "0.11235", "0.0910"),
    "sa-east-1": ("0.0696", "0.0076", "0.0557", "0.00612", "0.1376", "0.1111"),
}
"""Fargate's vCPU and GB by the hour on x86_64, then on arm64; c7i.large and c7g.large. Of AWS's feeds, autumn 2025."""


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_the_least_that_servers_cost_in_eight_regions_by_hand(region: str, architecture: str) -> None:
    """A run a second of 50 ms: two servers for 730 h, three managed ones with their fee; tasks of 1 vCPU and 2 GB."""
    spec = steady(work="cpu_ms: 10, io_ms: 40", rate=1)
    function = ls.revised(spec.functions[0], {"architecture": architecture, "memory_mb": 512})
    spec = ls.revised(spec, {"region": region, "functions": (function,)})
    found = break_even(spec, multiples=[1], replications=2).table
    usd = found[found["multiple"] == 1].set_index("option")["usd"]
    x86_vcpu, x86_gb, arm_vcpu, arm_gb, c7i, c7g = map(Decimal, REGIONS[region])
    is_arm = architecture == "arm64"
    vcpu, gb, large = (arm_vcpu, arm_gb, c7g) if is_arm else (x86_vcpu, x86_gb, c7i)
    assert usd["Fargate"] == pytest.approx(float(2 * 730 * (vcpu + 2 * gb)), rel=1e-12)
    assert usd["EC2"] == pytest.approx(float(2 * 730 * large), rel=1e-12)
    requests = 3600 * 730 * Decimal("0.0000002")
    assert usd["managed instances"] == pytest.approx(
        float(3 * 730 * large * Decimal("1.15") + requests), rel=1e-12
    )
