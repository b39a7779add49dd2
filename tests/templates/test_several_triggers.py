"""Several triggers of one function, from a template to a bill."""

from __future__ import annotations

from pathlib import Path

from lambdasim.results.simulate import simulate
from lambdasim.specs import ScenarioSpec, load_scenario
from lambdasim.templates.found import Found
from lambdasim.templates.reading import read_source
from lambdasim.templates.usage_file import with_usage
from lambdasim.templates.writing.draft import draft_scenario
from lambdasim.templates.writing.refresh import refreshed, write_refreshed
from lambdasim.templates.writing.scenario_writer import scenario_files, write_folder

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Q: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 90}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      MemorySize: 256
      Timeout: 20
      ReservedConcurrentExecutions: 7
      Events:
        A: {Type: HttpApi, Properties: {Path: /a, Method: get}}
        B: {Type: HttpApi, Properties: {Path: /b, Method: get}}
        Q: {Type: SQS, Properties: {Queue: !GetAtt Q.Arn, BatchSize: 5}}
        S: {Type: Schedule, Properties: {Schedule: rate(5 minutes)}}
        T: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour)}}
        Off: {Type: Schedule, Properties: {Schedule: rate(1 minute), Enabled: false}}
"""


def found_in(folder: Path, text: str = TEMPLATE) -> Found:
    path = folder / "template.yaml"
    path.write_text(text)
    return read_source(path)


def written(folder: Path, found: Found) -> ScenarioSpec:
    write_folder(scenario_files(found, draft_scenario(found)), folder / "app")
    return load_scenario(folder / "app")


def test_each_trigger_is_a_way_in_and_settings_are_there_once(tmp_path: Path) -> None:
    spec = written(tmp_path, found_in(tmp_path))
    ways = {one.name: (one.shares, one.trigger.type.value, one.memory_mb) for one in spec.functions}
    assert ways == {
        "F": (None, "api_gateway_http", 256),
        "F-sqs": ("F", "sqs", 256),
        "F-schedule": ("F", "schedule", 256),
    }
    assert [one.reserved_concurrency for one in spec.functions] == [7, None, None]
    queue = spec.function("F-sqs").trigger.queue
    assert queue is not None
    assert (queue.batch_size, queue.visibility_timeout_us) == (5, 90_000_000)
    moments = (tmp_path / "app" / "traffic" / "F-schedule.csv").read_text().splitlines()
    assert len(moments) == 1 + 30 * 24 * 13


def test_a_refresh_brings_a_trigger_that_the_template_gained_and_keeps_edits(tmp_path: Path) -> None:
    before = TEMPLATE.replace("        S: {Type: Schedule", "        S: {Type: Schedule, Off: 1")
    before = "\n".join(line for line in before.splitlines() if "SQS, Prop" not in line) + "\n"
    written(tmp_path, found_in(tmp_path, before))
    scenario = tmp_path / "app" / "scenario.yaml"
    scenario.write_text(scenario.read_text().replace("rate_per_s: 0.1 ", "rate_per_s: 2.5 "))
    found = found_in(tmp_path)
    draft = draft_scenario(found)
    result = refreshed(tmp_path / "app", scenario_files(found, draft), draft.scenario)
    write_refreshed(result, tmp_path / "app")
    spec = load_scenario(tmp_path / "app")
    assert [one.name for one in spec.functions] == ["F", "F-schedule", "F-sqs"]
    assert spec.function("F").traffic.poisson is not None
    assert spec.function("F").traffic.poisson.rate_per_s == 2.5


def test_a_file_of_usage_counts_all_ways_in_together(tmp_path: Path) -> None:
    usage = tmp_path / "usage.yml"
    usage.write_text(
        "version: 0.1\nresource_usage:\n  aws_lambda_function.F: {monthly_requests: 2628000, request_duration_ms: 100}\n"
    )
    spec = written(tmp_path, with_usage(found_in(tmp_path), usage))
    rates = {one.name: one.traffic for one in spec.functions}
    assert rates["F"].poisson is not None
    assert rates["F"].poisson.rate_per_s == 1
    assert rates["F-sqs"].poisson is not None
    assert rates["F-sqs"].poisson.rate_per_s == 0
    runs = simulate(spec.model_copy(update={"duration_us": 3_600_000_000})).summary()
    assert set(runs["function"]) == {"F", "F-sqs", "F-schedule"}
