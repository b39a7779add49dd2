"""serverless.yml: variables, defaults, short forms and every event, each with the right answer beside it."""
# ruff: noqa: E501 - one case a line

import time
from pathlib import Path
from textwrap import dedent

import pytest

from lambdasim.errors import TemplateError
from lambdasim.templates.found import Found, FoundFunction, FoundProvisioned, Given
from lambdasim.templates.reading import read_source
from lambdasim.templates.writing.draft import draft_scenario


def imported(
    folder: Path, text: str, given: dict[str, str] | None = None, stage: str | None = None, **files: str
) -> Found:
    path = folder / "serverless.yml"
    path.write_text(dedent(text))
    for name, content in files.items():
        (folder / name.replace("_dot_", ".")).write_text(dedent(content))
    return read_source(path, given, stage=stage)


def by_key(found: Found) -> dict[str, FoundFunction]:
    return {one.resource: one for one in found.functions}


def test_the_frameworks_own_defaults(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        "service: shop\nprovider: {name: aws, Runtime: python3.9}\nfunctions: {hi: {handler: a.b}}\n",
    )
    (one,) = found.functions
    assert (one.resource, one.name, one.memory_mb, one.timeout_s, one.architecture) == (
        "hi",
        "shop-dev-hi",
        1024,
        6,
        "x86_64",
    )
    assert (one.given["memory_mb"], one.given["timeout_s"], one.runtime) == (
        Given.DEFAULT,
        Given.DEFAULT,
        None,
    )


def test_every_setting(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        """
        service: {name: shop}
        provider:
          name: aws
          region: eu-west-1
          stage: prod
          memorySize: 512
          timeout: 12
          architecture: arm64
          runtime: java21
          environment: {A: b}
          vpc: {subnetIds: [x]}
          layers: [p]
          tags: {team: web}
        functions:
          - one:
              handler: x
              name: own-name
              memorySize: 2048
              ephemeralStorageSize: 1024
              reservedConcurrency: 8
              provisionedConcurrency: {executions: 3}
              maximumRetryAttempts: 0
              maximumEventAge: 120
              destinations: {onFailure: x}
              layers: [q, r]
              environment: {C: dd}
              url: true
              tags: {part: api}
          - two: {image: x, vpc: ~, onError: arn, snapStart: true, provisionedConcurrency: 2}
        """,
    )
    one, two = found.functions
    assert (found.region, one.name, one.memory_mb, one.timeout_s, one.architecture) == (
        "eu-west-1",
        "own-name",
        2048,
        12,
        "arm64",
    )
    assert (one.ephemeral_mb, one.reserved_concurrency, one.provisioned) == (1024, 8, (FoundProvisioned(3),))
    assert (one.retry_attempts, one.max_event_age_s, one.on_failure, one.layers) == (0, 120, "destination", 2)
    assert (one.environment_bytes, one.vpc, one.tags) == (
        len("AbCdd"),
        True,
        (("team", "web"), ("part", "api")),
    )
    assert [source.type for source in one.sources] == ["function_url"]
    assert (two.name, two.memory_mb, two.package_type, two.vpc, two.on_failure, two.snap_start) == (
        "shop-prod-two",
        512,
        "image",
        False,
        "dlq",
        True,
    )
    assert two.provisioned == (FoundProvisioned(2),)


@pytest.mark.parametrize(
    ("expression", "memory"),
    [
        ("300", 300),
        ("${self:custom.sizes.dev}", 256),
        ("${self:custom.sizes.${sls:stage}}", 256),
        ("${self:custom.sizes.${opt:stage, 'prod'}}", 2048),
        ("${self:custom.nothing, 384}", 384),
        ("${self:custom.nothing, self:custom.sizes.prod}", 2048),
        ("${opt:memory, ${self:custom.sizes.dev}}", 256),
        ("${env:MEMORY, '640'}", 640),
        ("${file(more.yml):memory}", 896),
        ("${file(./more.json):memory}", 768),
        ("${file(more.js):memory, 512}", 512),
        ("${file(../outside.yml):memory, 512}", 512),
        ("${param:size}", 1500),
        ("${param:other}", 1600),
        ("${ssm:/size, 700}", 700),
        ("${ssm:/size}", None),
        ("${cf:other.Out}", None),
        ("${self.custom.sizes.dev}", None),
        ("${self:custom.loop}", None),
    ],
)  # fmt: skip
def test_variables(tmp_path: Path, expression: str, memory: int | None) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "outside.yml").write_text("memory: 9999\n")
    text = f"""
    service: shop
    params: {{default: {{size: 1400, other: 1600}}, dev: {{size: 1500}}}}
    custom: {{sizes: {{dev: 256, prod: 2048}}, loop: "${{self:custom.loop}}"}}
    provider: {{name: aws}}
    functions: {{f: {{handler: x, memorySize: "{expression}"}}}}
    """
    found = imported(
        folder, text, more_dot_yml="memory: 896\n", more_dot_json='{"memory": 768}', more_dot_js="x"
    )
    (one,) = found.functions
    assert one.memory_mb == (memory or 1024)
    assert (one.given.get("memory_mb") is Given.ASSUMED) == (memory is None)


def test_a_stage_and_given_values_are_asked_first(tmp_path: Path) -> None:
    text = """
    service: shop
    custom: {sizes: {dev: 256, prod: 2048}}
    provider: {name: aws, stage: "${opt:stage, 'qa'}"}
    functions: {f: {handler: x, memorySize: "${self:custom.sizes.${self:provider.stage}, 512}", timeout: "${param:wait, 4}"}}
    """
    assert (imported(tmp_path, text).functions[0].name, imported(tmp_path, text).functions[0].memory_mb) == (
        "shop-qa-f",
        512,
    )
    one = imported(tmp_path, text, {"wait": "9"}, "prod").functions[0]
    assert (one.name, one.memory_mb, one.timeout_s) == ("shop-prod-f", 2048, 9)


@pytest.mark.parametrize(
    ("event", "type_", "more"),
    [
        ("http: GET /", "api_gateway_rest", {"asynchronous": False}),
        ("http: {path: /, method: get, async: true}", "api_gateway_rest", {"asynchronous": True}),
        ("httpApi: '*'", "api_gateway_http", {"integration_timeout_s": 5.5}),
        ("httpApi: {path: /, method: GET}", "api_gateway_http", {}),
        ("websocket: $connect", "api_gateway_websocket", {"stands_for": ""}),
        ("schedule: rate(5 minutes)", "schedule", {"schedules": ("rate(5 minutes)",)}),
        ("schedule: {rate: [rate(1 hour), cron(0 8 * * ? *)], enabled: false}", "schedule",
         {"schedules": ("rate(1 hour)", "cron(0 8 * * ? *)"), "enabled": False}),
        ("eventBridge: {schedule: rate(1 hour)}", "schedule", {"schedules": ("rate(1 hour)",)}),
        ("eventBridge: {pattern: {source: [x]}}", "eventbridge", {}),
        ("s3: photos", "s3", {}),
        ("s3: {bucket: photos, event: x, existing: true}", "s3", {}),
        ("sns: topic", "sns", {}),
        ("sns: {arn: x, filterPolicy: {a: [b]}}", "sns", {"filtered": True}),
        ("sqs: arn:aws:sqs:eu-west-1:123456789012:jobs", "sqs", {"batch_size": 10}),
        ("sqs: {arn: {Fn::GetAtt: [Jobs, Arn]}, batchSize: 4, maximumBatchingWindow: 7, maximumConcurrency: 9, functionResponseType: ReportBatchItemFailures}",
         "sqs", {"batch_size": 4, "window_s": 7, "maximum_concurrency": 9, "partial_failures": True}),
        ("stream: arn:aws:kinesis:eu-west-1:123456789012:stream/s", "kinesis", {"batch_size": 10}),
        ("stream: arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/1", "dynamodb", {"batch_size": 10}),
        ("stream: {type: kinesis, arn: x, batchSize: 50, parallelizationFactor: 3, batchWindow: 2}", "kinesis",
         {"batch_size": 50, "parallelization": 3, "window_s": 2}),
        ("stream: {arn: {Fn::GetAtt: [T, StreamArn]}}", "dynamodb", {}),
        ("msk: {arn: x, topic: t}", "kafka", {"stands_for": ""}),
        ("kafka: {topic: t}", "kafka", {"stands_for": ""}),
        ("activemq: {queue: q}", "kinesis", {"stands_for": "Amazon MQ"}),
        ("rabbitmq: {queue: q}", "kinesis", {"stands_for": "Amazon MQ"}),
        ("alb: {listenerArn: x}", "alb", {}),
        ("iot: {sql: x}", "async", {}),
        ("cloudwatchLog: /x", "async", {}),
        ("cloudwatchEvent: {event: x, enabled: false}", "eventbridge", {"enabled": False}),
        ("cognitoUserPool: {pool: p, trigger: x}", "sdk", {}),
        ("alexaSkill", "sdk", {}),
        ("telepathy: {}", "async", {}),
    ],
)  # fmt: skip
def test_every_event(tmp_path: Path, event: str, type_: str, more: dict[str, object]) -> None:
    text = f"""
service: shop
provider: {{name: aws}}
functions:
  f:
    handler: x
    timeout: 5
    events:
      - {event}
resources:
  - Resources: {{Jobs: {{Type: AWS::SQS::Queue, Properties: {{VisibilityTimeout: 66}}}}}}
  - Resources: {{T: {{Type: AWS::DynamoDB::Table}}}}
"""
    (source,) = imported(tmp_path, text).functions[0].sources
    assert source.type == type_
    assert {name: getattr(source, name) for name in more} == more
    if "Jobs, Arn" in event:
        assert source.queue is not None
        assert source.queue.visibility_s == 66


def test_functions_in_a_file_and_ties_from_resources(tmp_path: Path) -> None:
    text = """
    service: shop
    provider: {name: aws}
    plugins: [serverless-step-functions, serverless-lift]
    functions: ${file(functions.yml)}
    stepFunctions:
      stateMachines:
        flow: {definition: {StartAt: A, States: {A: {Type: Task, Resource: {Fn::GetAtt: [step-one, Arn]}}}}}
    resources:
      Resources:
        R: {Type: AWS::Events::Rule, Properties: {ScheduleExpression: rate(1 day), Targets: [{Arn: {Fn::GetAtt: [TickLambdaFunction, Arn]}}]}}
    """
    found = imported(tmp_path, text, functions_dot_yml="step-one: {handler: x}\ntick: {handler: x}\n")
    assert {key: [source.type for source in one.sources] for key, one in by_key(found).items()} == {
        "step-one": ["sdk"],
        "tick": ["schedule"],
    }
    assert str(found.not_modelled[0]).startswith("plugin serverless-lift: may add functions")


def test_nothing_is_taken_from_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIZE_OF_F", "4096")
    text = "service: s\nprovider: {name: aws}\nfunctions: {f: {handler: x, memorySize: '${env:SIZE_OF_F, 300}'}}\n"
    assert imported(tmp_path, text).functions[0].memory_mb == 300
    assert imported(tmp_path, text, {"SIZE_OF_F": "444"}).functions[0].memory_mb == 444


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("service: s\nprovider: {name: google}\nfunctions: {}\n", "provider.name: must be aws, got google"),
        ("services: {a: {path: b}}\n", "is a composition of services"),
        ("service: s\nprovider: aws\ncustom: {a: '" + "${self:custom.b}" * 40 + "', b: '" + "${self:custom.c}" * 400 + "', c: '" + "x" * 1_000 + "'}\n"
         "functions: {f: {handler: '${self:custom.a}'}}\n", "makes text of more than 1,000,000 characters"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_error(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(TemplateError) as caught:
        imported(tmp_path, text)
    assert told in str(caught.value)


HEAD = "service: a\nprovider: {name: aws, runtime: python3.12}\nfunctions: {f: {handler: a.b, name: '${self:custom.x20}'}}\n"


@pytest.mark.parametrize(
    ("first", "next_", "levels", "told"),
    [
        ("a", "${self:custom.x%d}${self:custom.x%d}", 25, "makes text of more than 1,000,000 characters"),
        ("[1]", "['${self:custom.x%d}', '${self:custom.x%d}']", 25, "take more than 300,000 steps"),
        ("${self:custom.x3}", "${self:custom.x%d}${self:custom.x%d}", 25, "take more than 300,000 steps"),
        ("a", "${self:custom.x%d}", 60, "refer to one another more than 30 deep"),
    ],
)
def test_variables_that_grow_end_in_one_error_soon(
    tmp_path: Path, first: str, next_: str, levels: int, told: str
) -> None:
    """Each level has two of the one below: a thousand characters of file would be gigabytes."""
    lines = [f"  x0: {first}"]
    lines += [f"  x{n}: {next_.replace('%d', str(n - 1))}" for n in range(1, levels)]
    path = tmp_path / "serverless.yml"
    path.write_text(HEAD.replace("x20", f"x{levels - 1}") + "custom:\n" + "\n".join(lines) + "\n")
    begun = time.process_time()
    with pytest.raises(TemplateError, match=told):
        draft_scenario(read_source(path))
    assert time.process_time() - begun < 20


def test_many_uses_of_one_variable_are_no_work(tmp_path: Path) -> None:
    uses = "\n".join(f"  f{n}: {{handler: a.b, timeout: '${{self:custom.t}}'}}" for n in range(3_000))
    path = tmp_path / "serverless.yml"
    path.write_text(
        f"service: a\nprovider: {{name: aws, runtime: python3.12}}\ncustom: {{t: 7}}\nfunctions:\n{uses}\n"
    )
    assert {one.timeout_s for one in read_source(path).functions} == {7}


def test_a_consumer_of_a_stream_is_enhanced_fan_out_of_its_shards(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        """
        service: x
        provider: {name: aws, runtime: nodejs22.x}
        functions:
          own: {handler: x, events: [stream: {type: kinesis, arn: !GetAtt S.Arn, consumer: true}]}
          named: {handler: x, events: [stream: {type: kinesis, arn: !GetAtt C.ConsumerARN}]}
          shared: {handler: x, events: [stream: {type: kinesis, arn: !GetAtt S.Arn, consumer: false}]}
        resources:
          Resources:
            S: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: 3}}
            C: {Type: AWS::Kinesis::StreamConsumer, Properties: {StreamARN: !GetAtt S.Arn}}
        """,
    )
    sources = {key: one.sources[0] for key, one in by_key(found).items()}
    assert {key: (one.fan_out, one.shards) for key, one in sources.items()} == {
        "own": (True, 3), "named": (True, 3), "shared": (False, 3),
    }  # fmt: skip
