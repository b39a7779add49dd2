"""A spoilt catalog file is refused with its name and the place, never read as something else."""

import csv
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from lambdasim.catalog.equivalents import equivalents_of
from lambdasim.catalog.facts import facts_of
from lambdasim.catalog.files import json_of, parse_json, parse_toml, text_of, toml_of
from lambdasim.catalog.keep_alive import keep_alive_of
from lambdasim.catalog.prices.listed import listed_of
from lambdasim.catalog.prices.meters import meters_of
from lambdasim.catalog.prices.neighbours import neighbour_prices_of
from lambdasim.catalog.prices.platforms import platform_book_of
from lambdasim.catalog.prices.sheets import sheets_of
from lambdasim.catalog.priors import init_priors_of
from lambdasim.catalog.retries import retry_rules_of
from lambdasim.catalog.rules import rules_of
from lambdasim.catalog.usage_types import usage_types_of
from lambdasim.errors import CatalogError

Content = dict[str, Any]
Edit = Callable[[Content], object]
ARM = ("regions", "us-east-1", "architectures", "arm64")
GONE = object()


def at(*path: str | int, put: object) -> Edit:
    """Make the edit that puts something at a place, or removes what is there."""

    def edit(content: Content) -> None:
        *way, last = path
        for step in way:
            content = content[step]  # type: ignore[index]
        if put is GONE:
            del content[last]  # type: ignore[arg-type]
        else:
            content[last] = put  # type: ignore[index]

    return edit


def refused(read: Callable[[Content], object], content: Content, edit: Edit, file: str, field: str) -> None:
    read(content)  # the file as it is can be read
    spoilt = deepcopy(content)
    edit(spoilt)
    with pytest.raises(CatalogError) as caught:
        read(spoilt)
    (fault,) = caught.value.faults
    assert (fault.where, fault.field) == (file, field), str(caught.value)
    assert fault.message


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (at(*ARM, "tiers", 2, put=GONE), "regions.us-east-1.architectures.arm64.tiers"),
        (at(*ARM, "tiers", put=[]), "regions.us-east-1.architectures.arm64.tiers"),
        (at(*ARM, "tiers", put=GONE), "regions.us-east-1.architectures.arm64.tiers"),
        (
            at(*ARM, "tiers", 1, "up_to_gb_s", put=7_500_000_000),
            "regions.us-east-1.architectures.arm64.tiers[1]",
        ),
        (
            at(*ARM, "tiers", 1, "up_to_gb_s", put=7_000_000_000),
            "regions.us-east-1.architectures.arm64.tiers[1]",
        ),
        (at(*ARM, "tiers", 0, "up_to_gb_s", put=None), "regions.us-east-1.architectures.arm64.tiers[0]"),
        (
            at(*ARM, "tiers", 0, "up_to_gb_s", put=7.5e9),
            "regions.us-east-1.architectures.arm64.tiers[0].up_to_gb_s",
        ),
        (
            at(*ARM, "tiers", 0, "up_to_gb_s", put=0),
            "regions.us-east-1.architectures.arm64.tiers[0].up_to_gb_s",
        ),
        (
            at(*ARM, "tiers", 0, "up_to_gb_s", put=GONE),
            "regions.us-east-1.architectures.arm64.tiers[0].up_to_gb_s",
        ),
        (
            at(*ARM, "tiers", 1, "usd", put="0.0000133335"),
            "regions.us-east-1.architectures.arm64.tiers[1].usd",
        ),
        (at(*ARM, "tiers", 0, "usd", put=0.0000133334), "regions.us-east-1.architectures.arm64.tiers[0].usd"),
        (at(*ARM, "request", "usd", put="2.0e-7"), "regions.us-east-1.architectures.arm64.request.usd"),
        (
            at(*ARM, "request", "usd", put="0.00000020000000000001"),
            "regions.us-east-1.architectures.arm64.request.usd",
        ),
        (at(*ARM, "request", "usd", put="-0.0000002"), "regions.us-east-1.architectures.arm64.request.usd"),
        (at(*ARM, "request", "usd", put="0,0000002"), "regions.us-east-1.architectures.arm64.request.usd"),
        (at(*ARM, "request", "usd", put="NaN"), "regions.us-east-1.architectures.arm64.request.usd"),
        (at(*ARM, "request", "usd", put=""), "regions.us-east-1.architectures.arm64.request.usd"),
        (at(*ARM, "request", "usd", put=GONE), "regions.us-east-1.architectures.arm64.request.usd"),
        (at(*ARM, "request", "usd", put=None), "regions.us-east-1.architectures.arm64.request.quality"),
        (
            at(*ARM, "request", "quality", put="unknown"),
            "regions.us-east-1.architectures.arm64.request.quality",
        ),
        (at(*ARM, "request", "quality", put=GONE), "regions.us-east-1.architectures.arm64.request.quality"),
        (at(*ARM, "request", "per", put="million"), "regions.us-east-1.architectures.arm64.request.per"),
        (at(*ARM, "pc_idel", put={}), "regions.us-east-1.architectures.arm64.pc_idel"),
        (at(*ARM, "pc_idle", put=GONE), "regions.us-east-1.architectures.arm64.pc_idle"),
        (at(*ARM, "pc_idle", put="0.1"), "regions.us-east-1.architectures.arm64.pc_idle"),
        (at(*ARM, "sources", put=[]), "regions.us-east-1.architectures.arm64.sources"),
        (at(*ARM, "sources", put=["hearsay"]), "regions.us-east-1.architectures.arm64.sources"),
        (at("regions", "us-east-1", "architectures", "arm64", put=GONE), "regions.us-east-1.architectures"),
        (at("regions", "us-east-1", "as_of", put=GONE), "regions.us-east-1.as_of"),
        (at("regions", "us-east-1", "as_of", put="19 September"), "regions.us-east-1.as_of"),
        (at("regions", "us-east-1", "streaming_per_gb", put=GONE), "regions.us-east-1.streaming_per_gb"),
        (at("regions", "us-east-1", "discount", put="0.1"), "regions.us-east-1.discount"),
        (at("regions", "us-east-1", put=[]), "regions.us-east-1"),
        (at("regions", "us-east-1", put=7), "regions.us-east-1"),
        (at("currency", put="CNY"), "currency"),
        (at("sources", put=GONE), "sources"),
        (at("regoins", put={}), "regoins"),
    ],
)
def test_price_sheets(edit: Edit, field: str) -> None:
    prefixes = toml_of("billing_prefixes.toml")
    file = "prices_aws_lambda.json"
    refused(lambda content: sheets_of(content, prefixes), json_of(file), edit, file, field)


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (at("prefixes", "us-west-2", put=GONE), "prefixes.us-west-2"),
        (at("prefixes", "us-west-2", put="USE2"), "prefixes.us-east-2"),  # two regions under one name
        (at("prefixes", "us-west-2", put=4), "prefixes.us-west-2"),
        (at("prefix", put={}), "prefix"),
    ],
)
def test_prefixes_of_usage_types(edit: Edit, field: str) -> None:
    file = "billing_prefixes.toml"
    refused(
        lambda content: sheets_of(json_of("prices_aws_lambda.json"), content),
        toml_of(file),
        edit,
        file,
        field,
    )


def rule(name: str) -> int:
    return [entry["name"] for entry in toml_of("billing_rules.toml")["rule"]].index(name)


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (at("rule", rule("free_gb_s"), put=GONE), "rule"),
        (at("rule", rule("free_gb_s"), "effective", put=date(2021, 1, 1)), "rule"),
        (at("rule", rule("free_gb_s"), "effective", put="soon"), f"rule[{rule('free_gb_s')}].effective"),
        (at("rule", rule("free_gb_s"), "value", put="400000"), f"rule[{rule('free_gb_s')}].value"),
        (at("rule", rule("free_gb_s"), "value", put=400_000.0), f"rule[{rule('free_gb_s')}].value"),
        (at("rule", rule("free_gb_s"), "value", put=-1), f"rule[{rule('free_gb_s')}].value"),
        (at("rule", rule("free_gb_s"), "value", put=True), f"rule[{rule('free_gb_s')}].value"),
        (at("rule", rule("free_gb_s"), "name", put="free_gbs"), f"rule[{rule('free_gb_s')}].name"),
        (at("rule", rule("free_gb_s"), "unless", put="provisioned"), f"rule[{rule('free_gb_s')}].unless"),
        (at("rule", rule("free_gb_s"), "source", put="a friend"), f"rule[{rule('free_gb_s')}].source"),
        (at("rule", rule("mb_per_gb"), "value", put=0), f"rule[{rule('mb_per_gb')}].value"),
        (at("rule", rule("provisioned_step_s"), "value", put=0), f"rule[{rule('provisioned_step_s')}].value"),
        (at("rule", rule("async_each_kb"), "value", put=0), f"rule[{rule('async_each_kb')}].value"),
        (at("rule", 1, "effective", put=date(2020, 12, 1)), "rule"),  # the same rule twice from one day on
        (at("rule", 0, "value", put=0), "rule[0].value"),
        (
            at("rule", rule("snapstart_free_prefixes"), "value", put="java"),
            f"rule[{rule('snapstart_free_prefixes')}].value",
        ),
        (at("known_from", put=GONE), "known_from"),
        (at("rules", put=[]), "rules"),
    ],
)
def test_billing_rules(edit: Edit, field: str) -> None:
    refused(rules_of, toml_of("billing_rules.toml"), edit, "billing_rules.toml", field)


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (at("limits", "memory_max_mb", "value", put=10240.0), "limits.memory_max_mb.value"),
        (at("limits", "memory_max_mb", "value", put=GONE), "limits.memory_max_mb.value"),
        (at("limits", "memory_max_mb", "unit", put=GONE), "limits.memory_max_mb.unit"),
        (at("limits", "memory_max_mb", "source", put="quota"), "limits.memory_max_mb.source"),
        (at("limits", "memory_max_mb", "knowledge", put="sure"), "limits.memory_max_mb.knowledge"),
        (at("limits", "memory_max_mb", "max", put=1), "limits.memory_max_mb.max"),
        (at("limits", "memory_max_mb", put=10240), "limits.memory_max_mb"),
        (at("earlier", 0, "until", put=GONE), "earlier[0].until"),
        (at("earlier", 0, "name", put="payload"), "earlier[0].name"),
        (at("earlier", 0, "unit", put="MB"), "earlier[0].unit"),
        (at("as_of", put=GONE), "as_of"),
        (at("limit", put={}), "limit"),
    ],
)
def test_limits(edit: Edit, field: str) -> None:
    file = "limits.toml"
    refused(lambda content: facts_of(content, "limits", file), toml_of(file), edit, file, field)


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (at("timings", "scaling_interval_s", "value", put="10"), "timings.scaling_interval_s.value"),
        (at("timings", "scaling_interval_s", "value", put=-10), "timings.scaling_interval_s.value"),
    ],
)
def test_timings(edit: Edit, field: str) -> None:
    file = "timings.toml"
    refused(lambda content: facts_of(content, "timings", file), toml_of(file), edit, file, field)


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (at("triggers", "s3", "kind", put="quick"), "triggers.s3.kind"),
        (at("triggers", "s3", "retries", put=3), "triggers.s3.retries"),
        (at("triggers", "s3", "event_age", put="an_hour"), "triggers.s3.event_age"),
        (at("kinds", "queue", put=GONE), "kinds.queue"),
        (at("kinds", "push", put={}), "kinds.push"),
        (
            at("kinds", "asynchronous", "error_delays", put=["async_error_delay_first_s"]),
            "triggers.s3.error_delays",
        ),
        (at("kinds", "asynchronous", "gives_up", put=GONE), "triggers.s3.gives_up"),
    ],
)
def test_retry_rules(edit: Edit, field: str) -> None:
    refused(retry_rules_of, toml_of("retry_rules.toml"), edit, "retry_rules.toml", field)


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (at("prices", "fargate_gb_arm64", "tiers", put=[["100", "0.09"]]), "prices.fargate_gb_arm64.tiers"),
        (at("prices", "fargate_gb_arm64", "tiers", put=[["", 0.09]]), "prices.fargate_gb_arm64.tiers[0]"),
        (at("prices", "fargate_gb_arm64", "tiers", put=["", "0.09"]), "prices.fargate_gb_arm64.tiers[0]"),
        (
            at("prices", "ec2_m7g_large", "tiers", put=[["300", "2"], ["300", "1"], ["", "1"]]),
            "prices.ec2_m7g_large.tiers[1]",
        ),
        (at("prices", "fargate_gb_arm64", "free", put=100), "prices.fargate_gb_arm64.free"),
        (at("prices", "fargate_gb_arm64", "unit", put=GONE), "prices.fargate_gb_arm64.unit"),
        (at("prices", "fargate_gb_arm64", "currency", put="EUR"), "prices.fargate_gb_arm64.currency"),
        (at("region", put=GONE), "region"),
    ],
)
def test_neighbour_prices(edit: Edit, field: str) -> None:
    refused(neighbour_prices_of, toml_of("neighbour_prices.toml"), edit, "neighbour_prices.toml", field)


REST = ("meters", "api_gateway_rest")


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (
            at(*REST, "prices", "us-east-1", "tiers", 1, 0, put="300"),
            "meters.api_gateway_rest.prices.us-east-1.tiers[1]",
        ),
        (
            at(*REST, "prices", "us-east-1", "tiers", put=[["", 0.09]]),
            "meters.api_gateway_rest.prices.us-east-1.tiers[0]",
        ),
        (at(*REST, "prices", "us-east-1", put=GONE), "meters.api_gateway_rest.prices"),
        (
            at(*REST, "prices", "us-east-1", "source", put="hearsay"),
            "meters.api_gateway_rest.prices.us-east-1.source",
        ),
        (
            at(*REST, "prices", "us-east-1", "currency", put="EUR"),
            "meters.api_gateway_rest.prices.us-east-1.currency",
        ),
        (at(*REST, "per", put=0), "meters.api_gateway_rest.per"),
        (at(*REST, "driver", put="luck"), "meters.api_gateway_rest.driver"),
        (at(*REST, "service", put="api"), "meters.api_gateway_rest.service"),
        (at(*REST, "free", put=1), "meters.api_gateway_rest.free"),
        (at("meters", "sqs_fifo", "free", put="2"), "meters.sqs_standard.free"),
        (at("services", "sqs", "category", put=GONE), "services.sqs.category"),
        (at("as_of", put=GONE), "as_of"),
    ],
)
def test_meters(edit: Edit, field: str) -> None:
    refused(meters_of, toml_of("meters.toml"), edit, "meters.toml", field)


RUN = ("platforms", "cloud_run")


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (at(*RUN, "billed", put="sometimes"), "platforms.cloud_run.billed"),
        (at(*RUN, "tick_ms", put=0), "platforms.cloud_run.tick_ms"),
        (at(*RUN, "tick_ms", put=100.0), "platforms.cloud_run.tick_ms"),
        (at(*RUN, "slots", put=GONE), "platforms.cloud_run.slots"),
        (at(*RUN, "slot", put=80), "platforms.cloud_run.slot"),
        (at(*RUN, "sizes", 0, put=["1", 128]), "platforms.cloud_run.sizes[0]"),
        (at(*RUN, "sizes", 0, put=[1, 128, 512]), "platforms.cloud_run.sizes[0]"),
        (at(*RUN, "source", put="hearsay"), "platforms.cloud_run.source"),
        (at(*RUN, "start_billed", put="yes"), "platforms.cloud_run.start_billed"),
        (at(*RUN, "meters", "requests", "tiers", put=[0.4]), "platforms.cloud_run.meters.requests.tiers[0]"),
        (at(*RUN, "meters", "requests", "tiers", put=[]), "platforms.cloud_run.meters.requests.tiers"),
        (at(*RUN, "meters", "requests", "tiers", put=["-1"]), "platforms.cloud_run.meters.requests.tiers[0]"),
        (at(*RUN, "meters", "requests", "free", put=2), "platforms.cloud_run.meters.requests.free"),
        (at(*RUN, "meters", "requests", "per", put=0), "platforms.cloud_run.meters.requests.per"),
        (at(*RUN, "meters", "luck", put={}), "platforms.cloud_run.meters.luck"),
        (at("platforms", "azure_flex", "slots_by_size", put=[4]), "platforms.azure_flex.slots_by_size"),
        (at("regions", "google", "us-east-1", put=GONE), "regions.google.us-east-1"),
        (at("regions", "google", "us-east-1", "tier", put="0"), "regions.google.us-east-1.tier"),
        (at("starts", "cloud_run", "other", put=GONE), "starts.cloud_run.other"),
        (at("starts", "cloud_run", "go", "ms", put=[3, 2, 1]), "starts.cloud_run.go.ms"),
        (at("egress", "google", "tiers", 0, 0, put="999999"), "egress.google.tiers[1]"),
        (at("egress", "google", "tiers", 0, put="0.1"), "egress.google.tiers[0]"),
        (
            at("fronts", "google", "gateway", "usd_per_milion", put="3"),
            "fronts.google.gateway.usd_per_milion",
        ),
        (at("kubelet", "pods", put=0), "kubelet.pods"),
        (at("managed", "buffer_percent", put=99), "managed.buffer_percent"),
        (at("managed", "requests_per_vcpu", 0, put=[125]), "managed.requests_per_vcpu[0]"),
        (at("knowledge", put="sure"), "knowledge"),
        (at("as_of", put=GONE), "as_of"),
        (at("platform", put={}), "platform"),
    ],
)
def test_platforms(edit: Edit, field: str) -> None:
    refused(platform_book_of, toml_of("platforms.toml"), edit, "platforms.toml", field)


POOL = ("platforms", "cloud_run_worker_pools", "meters", "vcpu_s")
UNITS = ("platforms", "alibaba_fc", "meters", "cu")


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (at(*POOL, "tiers", put=[]), "platforms.cloud_run_worker_pools.meters.vcpu_s.tiers"),
        (at(*POOL, "tiers", put=[0.1]), "platforms.cloud_run_worker_pools.meters.vcpu_s.tiers[0]"),
        (at(*POOL, "source", put="hearsay"), "platforms.cloud_run_worker_pools.meters.vcpu_s.source"),
        (at(*POOL, "frei", put="1"), "platforms.cloud_run_worker_pools.meters.vcpu_s.frei"),
        (at(*UNITS, "volume", 0, put=["100"]), "platforms.alibaba_fc.meters.cu.volume[0]"),
        (at(*UNITS, "volume", 0, 0, put="600"), "platforms.alibaba_fc.meters.cu.volume[1]"),
        (at(*UNITS, "counts", "cu", put=1), "platforms.alibaba_fc.meters.cu.counts.cu"),
        (at("platforms", "alibaba_fc", "vendor", put=GONE), "platforms.alibaba_fc.vendor"),
    ],
)
def test_listed_platforms(edit: Edit, field: str) -> None:
    refused(listed_of, toml_of("listed_platforms.toml"), edit, "listed_platforms.toml", field)


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (at("pieces", "sqs", "effort", put="easy"), "pieces.sqs.effort"),
        (at("pieces", "sqs", "effort", put=GONE), "pieces.sqs.effort"),
        (at("pieces", "sqs", "breaks", put=GONE), "pieces.sqs.breaks"),
        (at("pieces", "sqs", "triggers", put="sqs"), "pieces.sqs.triggers"),
        (at("pieces", "sqs", "meters", put=[1]), "pieces.sqs.meters"),
        (at("pieces", "sqs", "gcp", put="Pub/Sub"), "pieces.sqs.gcp"),
        (at("pieces", "sqs", "source", put="hearsay"), "pieces.sqs.source"),
        (at("pieces", "sqs", put=[]), "pieces.sqs"),
        (at("piece", put={}), "piece"),
        (at("as_of", put="yesterday"), "as_of"),
    ],
)
def test_equivalents(edit: Edit, field: str) -> None:
    refused(equivalents_of, toml_of("equivalents.toml"), edit, "equivalents.toml", field)


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (at("kinds", "duration", put=GONE), "kinds.duration"),
        (at("kinds", "edge", put={}), "kinds.edge"),
        (at("kinds", "duration", "arm64", put=GONE), "kinds.duration.arm64"),
        (at("kinds", "duration", "counted_in", put="gb_s"), "kinds.duration.counted_in"),
        (at("kinds", "duration", "riscv", put="x"), "kinds.duration.riscv"),
    ],
)
def test_usage_types(edit: Edit, field: str) -> None:
    refused(usage_types_of, toml_of("usage_types.toml"), edit, "usage_types.toml", field)


def rows(name: str) -> Content:
    return {"rows": [dict(row) for row in csv.DictReader(text_of(name).splitlines())]}


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (at("rows", 1, "p90_ms", put="1"), "p90_ms"),
        (at("rows", 1, "p50_ms", put="fast"), "p50_ms"),
        (at("rows", 1, "p50_ms", put="nan"), "p50_ms"),
        (at("rows", 1, "n", put="0"), "n"),
        (at("rows", 1, "max_ms", put=GONE), "max_ms"),
        (at("rows", 1, "arch", put="arm"), "arch"),
        (at("rows", 1, "package", put="tar"), "package"),
        (at("rows", 1, "runtime", put=""), "runtime"),
    ],
)
def test_init_priors(edit: Edit, field: str) -> None:
    def read(content: Content) -> object:
        return init_priors_of(content["rows"], "measured", date(2026, 8, 22))

    refused(read, rows("init_priors.csv"), edit, "init_priors.csv, row 2", field)


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (at("rows", 1, "warm", put="101"), "warm"),
        (at("rows", 1, "warm", put="-1"), "warm"),
        (at("rows", 1, "probes", put="0"), "warm"),
        (at("rows", 1, "idle_s", put="60.5"), "idle_s"),
        (at("rows", 1, "idle_s", put=GONE), "idle_s"),
    ],
)
def test_keep_alive(edit: Edit, field: str) -> None:
    def read(content: Content) -> object:
        return keep_alive_of(content["rows"])

    refused(read, rows("keep_alive_2025.csv"), edit, "keep_alive_2025.csv, row 2", field)


def test_a_key_that_stands_twice_in_json_is_not_won_by_the_last() -> None:
    text = '{"regions": {"us-east-1": {"usd": "1"}, "us-east-1": {"usd": "2"}}}'
    with pytest.raises(CatalogError, match=r"prices\.json: us-east-1: appears twice"):
        parse_json(text, "prices.json")


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '{"a": 1,}'])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(CatalogError, match=r"prices\.json: "):
        parse_json(text, "prices.json")


@pytest.mark.parametrize("text", ["a = ", "a = 1\na = 2", "[limits]\n[limits]"])
def test_what_is_no_toml_is_refused(text: str) -> None:
    with pytest.raises(CatalogError, match=r"limits\.toml: is not TOML"):
        parse_toml(text, "limits.toml")
