"""SAM and CloudFormation: every construct has a small template with the right answer beside it."""
# ruff: noqa: E501 - one case a line

import json
from pathlib import Path
from textwrap import dedent
from time import perf_counter
from typing import Any

import pytest

from lambdasim.errors import TemplateError
from lambdasim.templates.found import Found, FoundFunction, FoundProvisioned, Given
from lambdasim.templates.reading import read_source


def imported(folder: Path, text: str, parameters: dict[str, str] | None = None, **files: str) -> Found:
    path = folder / "template.yaml"
    path.write_text(dedent(text))
    for name, content in files.items():
        place = folder / name.replace("__", "/").replace("_dot_", ".")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(dedent(content))
    return read_source(path, parameters)


def only(found: Found) -> FoundFunction:
    (function,) = found.functions
    return function


def types(function: FoundFunction) -> list[str]:
    return [source.type for source in function.sources]


def by_name(found: Found) -> dict[str, FoundFunction]:
    return {function.resource: function for function in found.functions}


def test_defaults_are_lambdas(tmp_path: Path) -> None:
    one = only(
        imported(
            tmp_path, "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.12}}}"
        )
    )
    assert (one.memory_mb, one.timeout_s, one.architecture, one.ephemeral_mb) == (128, 3, "x86_64", 512)
    assert one.given == dict.fromkeys(("memory_mb", "timeout_s", "architecture"), Given.DEFAULT)
    assert one.sources == ()


def test_every_setting_of_sam(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        """
        Resources:
          F:
            Type: AWS::Serverless::Function
            Properties:
              FunctionName: orders
              MemorySize: "1024"
              Timeout: 30.0
              Architectures: [arm64]
              Runtime: java21
              EphemeralStorage: {Size: 2048}
              ReservedConcurrentExecutions: 9
              AutoPublishAlias: live
              ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: 4}
              SnapStart: {ApplyOn: PublishedVersions}
              Layers: [!Ref L, "arn:aws:lambda:us-east-1:123456789012:layer:x:1"]
              VpcConfig: {SubnetIds: [a], SecurityGroupIds: [b]}
              DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Q.Arn}
              EventInvokeConfig: {MaximumEventAgeInSeconds: 90, MaximumRetryAttempts: 1}
              Environment: {Variables: {TABLE: !Ref T, KEY: secret-value}}
              Tags: {team: web, account: "123456789012"}
              FunctionUrlConfig: {AuthType: NONE}
        """,
    )
    one = only(found)
    assert (one.name, one.memory_mb, one.timeout_s, one.architecture, one.runtime) == (
        "orders",
        1024,
        30,
        "arm64",
        "java21",
    )
    assert (one.ephemeral_mb, one.reserved_concurrency, one.provisioned) == (2048, 9, (FoundProvisioned(4),))
    assert (one.snap_start, one.layers, one.vpc, one.on_failure) == (True, 2, True, "dlq")
    assert (one.retry_attempts, one.max_event_age_s) == (1, 90)
    assert one.environment_bytes == len("TABLE") + 64 + len("KEYsecret-value")
    assert one.tags == (("team", "web"),)
    assert types(one) == ["function_url"]
    assert "secret-value" not in repr(found)


def test_globals_merge_by_sams_rules(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        """
        Globals:
          Function:
            MemorySize: 512
            Timeout: 7
            Architectures: [arm64]
            Layers: [one]
            Environment: {Variables: {A: x, B: y}}
        Resources:
          Own: {Type: AWS::Serverless::Function, Properties: {MemorySize: 256, Architectures: [x86_64], Layers: [two], Environment: {Variables: {B: zzz}}}}
          All: {Type: AWS::Serverless::Function, IgnoreGlobals: "*", Properties: {}}
          Some: {Type: AWS::Serverless::Function, IgnoreGlobals: [Timeout]}
          Plain: {Type: AWS::Lambda::Function, Properties: {Timeout: 9}}
        """,
    )
    one = by_name(found)
    own = one["Own"]
    assert (own.memory_mb, own.timeout_s, own.architecture, own.layers) == (256, 7, "x86_64", 2)
    assert own.environment_bytes == len("AxBzzz")
    assert (one["All"].memory_mb, one["All"].timeout_s) == (128, 3)
    assert (one["Some"].memory_mb, one["Some"].timeout_s, one["Some"].architecture) == (512, 3, "arm64")
    assert (one["Plain"].memory_mb, one["Plain"].timeout_s) == (128, 9)


PARAMETERS = """
    Parameters:
      Size: {Type: Number, Default: 256}
      Asked: {Type: Number}
      Kept: {Type: "AWS::SSM::Parameter::Value<String>", Default: /memory}
      Stage: {Type: String, Default: dev}
    Mappings:
      Sizes: {dev: {Timeout: 5}, prod: {Timeout: 60}}
    Conditions:
      IsProd: !Equals [!Ref Stage, prod]
      Both: !And [!Condition IsProd, !Not [!Equals [!Ref Size, "1"]]]
      Loop: !Condition Loop
    Resources:
      A: {Type: AWS::Lambda::Function, Properties: {MemorySize: !Ref Size, Timeout: !FindInMap [Sizes, !Ref Stage, Timeout]}}
      B: {Type: AWS::Lambda::Function, Properties: {MemorySize: !Ref Asked, Timeout: !If [IsProd, 20, 10]}}
      C: {Type: AWS::Lambda::Function, Properties: {MemorySize: !Ref Kept, Timeout: !If [Both, 4, !Ref AWS::NoValue]}}
      D: {Type: AWS::Lambda::Function, Condition: IsProd, Properties: {FunctionName: !Sub "d-${Stage}"}}
      E: {Type: AWS::Lambda::Function, Condition: Loop, Properties: {FunctionName: !Join ["-", [e, !Select [1, !Split [",", "x,y"]]]]}}
"""


def test_parameters_maps_and_conditions(tmp_path: Path) -> None:
    found = imported(tmp_path, PARAMETERS)
    one = by_name(found)
    assert [(name, f.memory_mb, f.timeout_s) for name, f in one.items()] == [
        ("A", 256, 5), ("B", 128, 10), ("C", 128, 3), ("E", 128, 3),
    ]  # fmt: skip
    assert one["B"].given["memory_mb"] is Given.ASSUMED
    assert one["E"].name == "e-y"
    told = "\n".join(map(str, found.unresolved))
    assert "B: MemorySize comes from parameter Asked, which has no default; 128 is taken" in told
    assert "C: MemorySize comes from parameter Kept, which SSM keeps" in told
    assert "E: its condition Loop is taken to hold" in told


def test_given_parameters_win_over_samconfig_and_that_over_defaults(tmp_path: Path) -> None:
    (tmp_path / "samconfig.toml").write_text(
        '[default.deploy.parameters]\nregion = "eu-west-1"\nparameter_overrides = "Stage=prod Asked=\\"2048\\" Unknown=1"\n'
    )
    found = imported(tmp_path, PARAMETERS, {"Asked": "3008"})
    one = by_name(found)
    assert found.region == "eu-west-1"
    assert (one["A"].timeout_s, one["B"].memory_mb, one["B"].timeout_s, one["C"].timeout_s) == (
        60,
        3008,
        20,
        4,
    )
    assert one["D"].name == "d-prod"
    with pytest.raises(
        TemplateError, match="Nope: is no parameter of the template; it has Size, Asked, Kept, Stage"
    ):
        imported(tmp_path, PARAMETERS, {"Nope": "1"})


EVENTS = """
    Resources:
      Q: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 90, RedrivePolicy: {maxReceiveCount: 4, deadLetterTargetArn: x}}}
      K: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: 3}}
      F:
        Type: AWS::Serverless::Function
        Properties:
          Events:
            E: {Type: %s, Properties: %s}
"""


@pytest.mark.parametrize(
    ("kind", "properties", "type_", "more"),
    [
        ("Api", "{Path: /, Method: get}", "api_gateway_rest", {}),
        ("Api", "{TimeoutInMillis: 5000}", "api_gateway_rest", {"integration_timeout_s": 5.0}),
        ("HttpApi", "{}", "api_gateway_http", {}),
        ("Schedule", "{Schedule: rate(5 minutes)}", "schedule", {"schedules": ("rate(5 minutes)",), "enabled": True}),
        ("Schedule", "{Schedule: rate(5 minutes), Enabled: false}", "schedule", {"enabled": False}),
        ("ScheduleV2", "{ScheduleExpression: 'cron(0 8 * * ? *)', State: DISABLED}", "schedule", {"enabled": False}),
        ("EventBridgeRule", "{Pattern: {source: [x]}}", "eventbridge", {}),
        ("CloudWatchEvent", "{Pattern: {source: [x]}}", "eventbridge", {}),
        ("SNS", "{Topic: t}", "sns", {}),
        ("SNS", "{Topic: t, SqsSubscription: true}", "sqs", {"batch_size": 10}),
        ("S3", "{Bucket: !Ref B, Events: x}", "s3", {}),
        ("CloudWatchLogs", "{}", "async", {}),
        ("IoTRule", "{}", "async", {}),
        ("Cognito", "{}", "sdk", {}),
        ("AlexaSkill", "{}", "sdk", {}),
        (
            "SQS",
            "{Queue: !GetAtt Q.Arn, FunctionResponseTypes: [ReportBatchItemFailures], ScalingConfig: {MaximumConcurrency: 7}}",
            "sqs",
            {"batch_size": 10, "partial_failures": True, "maximum_concurrency": 7},
        ),
        ("SQS", "{Queue: !GetAtt Q.Arn, BatchSize: 50, MaximumBatchingWindowInSeconds: 5}", "sqs", {"batch_size": 50, "window_s": 5}),
        (
            "Kinesis",
            "{Stream: !GetAtt K.Arn, StartingPosition: LATEST, ParallelizationFactor: 2, BisectBatchOnFunctionError: true}",
            "kinesis",
            {"batch_size": 100, "shards": 3, "parallelization": 2, "bisect": True},
        ),
        ("DynamoDB", "{Stream: x, MaximumRetryAttempts: -1}", "dynamodb", {"retry_attempts": -1}),
        ("MSK", "{Stream: x, Topics: [t]}", "kafka", {"stands_for": ""}),
        ("SelfManagedKafka", "{Topics: [t]}", "kafka", {"stands_for": ""}),
        ("MQ", "{Broker: x, Queues: [q]}", "kinesis", {"stands_for": "Amazon MQ"}),
        ("DocumentDB", "{Cluster: x}", "kinesis", {"stands_for": "DocumentDB change streams"}),
    ],
)  # fmt: skip
def test_every_event_of_sam(
    tmp_path: Path, kind: str, properties: str, type_: str, more: dict[str, object]
) -> None:
    one = only(imported(tmp_path, EVENTS % (kind, properties)))
    (source,) = one.sources
    assert source.type == type_
    assert {name: getattr(source, name) for name in more} == more
    if "!GetAtt Q.Arn" in properties:
        assert source.queue is not None
        assert (source.queue.name, source.queue.visibility_s, source.queue.max_receives) == ("Q", 90, 4)


FUNCTION = "F: {Type: AWS::Lambda::Function, Properties: {FunctionName: work}}"
URI = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${F.Arn}/invocations"


@pytest.mark.parametrize(
    ("resources", "type_", "more"),
    [
        (f"M: {{Type: AWS::ApiGateway::Method, Properties: {{Integration: {{Type: AWS_PROXY, Uri: !Sub '{URI}', TimeoutInMillis: 3000}}}}}}",
         "api_gateway_rest", {"integration_timeout_s": 3.0, "asynchronous": False}),
        (f"M: {{Type: AWS::ApiGateway::Method, Properties: {{Integration: {{Type: AWS, Uri: !Sub '{URI}', RequestParameters: "
         "{integration.request.header.X-Amz-Invocation-Type: \"'Event'\"}}}}", "api_gateway_rest", {"asynchronous": True}),
        ("I: {Type: AWS::ApiGatewayV2::Integration, Properties: {ApiId: !Ref P, IntegrationUri: !GetAtt F.Arn}}\n"
         "P: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: HTTP}}", "api_gateway_http", {"stands_for": ""}),
        (f"I: {{Type: AWS::ApiGatewayV2::Integration, Properties: {{ApiId: !Ref P, IntegrationUri: !Sub '{URI}'}}}}\n"
         "P: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: WEBSOCKET}}", "api_gateway_websocket", {"stands_for": ""}),
        ("P: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: HTTP, Target: !GetAtt F.Arn}}", "api_gateway_http", {}),
        (f"P: {{Type: AWS::Serverless::Api, Properties: {{DefinitionBody: {{paths: {{/: {{get: {{x-amazon-apigateway-integration: "
         f"{{uri: !Sub '{URI}'}}}}}}}}}}}}}}", "api_gateway_rest", {}),
        (f"P: {{Type: AWS::Serverless::HttpApi, Properties: {{DefinitionBody: {{paths: {{/: {{get: {{x-amazon-apigateway-integration: "
         f"{{uri: !Sub '{URI}'}}}}}}}}}}}}}}", "api_gateway_http", {}),
        (f"A: {{Type: AWS::ApiGateway::Authorizer, Properties: {{AuthorizerUri: !Sub '{URI}'}}}}", "sdk", {}),
        ("G: {Type: AWS::ElasticLoadBalancingV2::TargetGroup, Properties: {TargetType: lambda, Targets: [{Id: !GetAtt F.Arn}]}}", "alb", {}),
        ("U: {Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: !Ref F}}", "function_url", {}),
        ("U: {Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: work}}", "function_url", {}),
        ("R: {Type: AWS::Events::Rule, Properties: {ScheduleExpression: rate(1 hour), Targets: [{Arn: !GetAtt F.Arn, Id: x}]}}",
         "schedule", {"schedules": ("rate(1 hour)",)}),
        ("R: {Type: AWS::Events::Rule, Properties: {EventPattern: {source: [a]}, State: DISABLED, Targets: [{Arn: !GetAtt F.Arn}]}}",
         "eventbridge", {"enabled": False}),
        ("S: {Type: AWS::Scheduler::Schedule, Properties: {ScheduleExpression: rate(1 day), Target: {Arn: !GetAtt F.Arn}}}",
         "schedule", {"schedules": ("rate(1 day)",)}),
        ("S: {Type: AWS::Scheduler::Schedule, Properties: {ScheduleExpression: rate(1 day), Target: {Arn: 'arn:aws:scheduler:::aws-sdk:lambda:invoke', "
         "Input: '{\"FunctionName\": \"work\"}'}}}", "schedule", {}),
        ("B: {Type: AWS::S3::Bucket, Properties: {NotificationConfiguration: {LambdaConfigurations: [{Event: x, Function: !GetAtt F.Arn}]}}}", "s3", {}),
        ("B: {Type: Custom::S3BucketNotifications, Properties: {ServiceToken: !GetAtt H.Arn, NotificationConfiguration: "
         "{LambdaFunctionConfigurations: [{Events: [x], LambdaFunctionArn: !GetAtt F.Arn}]}}}", "s3", {}),
        ("T: {Type: AWS::SNS::Topic, Properties: {Subscription: [{Protocol: lambda, Endpoint: !GetAtt F.Arn}]}}", "sns", {}),
        ("T: {Type: AWS::SNS::Subscription, Properties: {Protocol: lambda, Endpoint: !GetAtt F.Arn, FilterPolicy: {a: [b]}}}", "sns", {"filtered": True}),
        ("M: {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: !GetAtt Q.Arn, FunctionName: !Ref F}}\n"
         "Q: {Type: AWS::SQS::Queue}", "sqs", {"batch_size": 10}),
        ("M: {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: 'arn:aws:sqs:eu-west-1:123456789012:jobs.fifo', FunctionName: work}}",
         "sqs", {"batch_size": 10}),
        ("M: {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: !GetAtt C.ConsumerARN, FunctionName: !GetAtt F.Arn}}\n"
         "C: {Type: AWS::Kinesis::StreamConsumer}", "kinesis", {"batch_size": 100, "stands_for": ""}),
        ("M: {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: !GetAtt T.StreamArn, FunctionName: !GetAtt F.Arn}}\n"
         "T: {Type: AWS::DynamoDB::Table}", "dynamodb", {}),
        ("M: {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: !ImportValue x, StartingPosition: LATEST, FunctionName: !Ref Alias}}\n"
         "Alias: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref Ver}}\nVer: {Type: AWS::Lambda::Version, Properties: {FunctionName: !Ref F}}",
         "kinesis", {}),
        ("M: {Type: AWS::Lambda::EventSourceMapping, Properties: {SelfManagedEventSource: {}, Topics: [t], FunctionName: !Ref F}}", "kafka", {"stands_for": ""}),
        ("P: {Type: AWS::Pipes::Pipe, Properties: {Source: !GetAtt Q.Arn, Target: !GetAtt F.Arn, SourceParameters: {SqsQueueParameters: {BatchSize: 5}}}}\n"
         "Q: {Type: AWS::SQS::Queue}", "sqs", {"batch_size": 5}),
        ("P: {Type: AWS::Pipes::Pipe, Properties: {Source: !GetAtt T.StreamArn, Enrichment: !GetAtt F.Arn, Target: x}}\nT: {Type: AWS::DynamoDB::Table}", "dynamodb", {}),
        ("L: {Type: AWS::Logs::SubscriptionFilter, Properties: {DestinationArn: !GetAtt F.Arn}}", "async", {}),
        ("U: {Type: AWS::Cognito::UserPool, Properties: {LambdaConfig: {PreSignUp: !GetAtt F.Arn}}}", "sdk", {}),
        ("D: {Type: AWS::AppSync::DataSource, Properties: {LambdaConfig: {LambdaFunctionArn: !GetAtt F.Arn}}}", "sdk", {}),
        ("D: {Type: AWS::Some::NewThing, Properties: {Code: {Arn: !Sub 'arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:work:live'}}}", "sdk", {}),
        ("P: {Type: AWS::Lambda::Permission, Properties: {FunctionName: !Ref F, Principal: s3.amazonaws.com}}", "s3", {}),
        ("P: {Type: AWS::Lambda::Permission, Properties: {FunctionName: !GetAtt F.Arn, Principal: apigateway.amazonaws.com, SourceArn: !Sub '${A}/*'}}\n"
         "A: {Type: AWS::ApiGatewayV2::Api}", "api_gateway_http", {}),
        ("G: {Type: AWS::Lambda::Function, Properties: {Environment: {Variables: {NEXT: !Ref F}}}}", "sdk", {}),
        ("S: {Type: AWS::StepFunctions::StateMachine, Properties: {DefinitionString: !Sub '{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Task\", "
         "\"Resource\": \"${F.Arn}\"}}}'}}", "sdk", {"label": "state machine S"}),
        ("S: {Type: AWS::Serverless::StateMachine, Properties: {Definition: {StartAt: A, States: {A: {Type: Map, ItemProcessor: {States: {B: {Type: Task, "
         "Resource: 'arn:aws:states:::lambda:invoke', Arguments: {FunctionName: '${Fn}'}}}}}}}, DefinitionSubstitutions: {Fn: !GetAtt F.Arn}}}",
         "sdk", {"label": "state machine S"}),
    ],
)  # fmt: skip
def test_every_tie_outside_of_events(
    tmp_path: Path, resources: str, type_: str, more: dict[str, object]
) -> None:
    lines = [*resources.split("\n"), FUNCTION]
    one = by_name(imported(tmp_path, "Resources:\n" + "".join(f"  {line}\n" for line in lines)))["F"]
    (source,) = one.sources
    assert source.type == type_
    assert {name: getattr(source, name) for name in more} == more


def test_a_method_without_the_function_ties_nothing(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        f"Resources:\n  {FUNCTION}\n  M: {{Type: AWS::ApiGateway::Method, Properties: {{Integration: {{Type: MOCK}}}}}}\n",
    )
    assert only(found).sources == ()


def test_a_definition_in_a_file_with_bare_substitutions(tmp_path: Path) -> None:
    text = """
    Resources:
      A: {Type: AWS::Serverless::Function}
      B: {Type: AWS::Serverless::Function}
      C: {Type: AWS::Serverless::Function}
      S: {Type: AWS::Serverless::StateMachine, Properties: {DefinitionUri: machine/flow.asl.json, DefinitionSubstitutions: {AFn: !GetAtt A.Arn, N: 5, BName: !Ref B}}}
      Gone: {Type: AWS::Serverless::StateMachine, Properties: {DefinitionUri: nowhere.json, DefinitionSubstitutions: {X: !GetAtt C.Arn}}}
    """
    flow = """{"StartAt": "One", "States": {
      "One": {"Type": "Task", "Resource": "${AFn}", "TimeoutSeconds": ${N}, "Next": "Two"},
      "Two": {"Type": "Parallel", "Branches": [{"StartAt": "X", "States": {"X": {"Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "Parameters": {"FunctionName": "${BName}"}}}}]}}}"""
    found = imported(tmp_path, text, machine__flow_dot_asl_dot_json=flow)
    assert {name: types(one) for name, one in by_name(found).items()} == {
        "A": ["sdk"],
        "B": ["sdk"],
        "C": ["sdk"],
    }
    assert "Gone: its definition is not in the folder" in "\n".join(map(str, found.unresolved))


def test_an_openapi_body_in_an_included_file(tmp_path: Path) -> None:
    text = """
    Resources:
      F: {Type: AWS::Serverless::Function, Properties: {Timeout: 5}}
      P: {Type: AWS::Serverless::Api, Properties: {DefinitionBody: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: ./api.yaml}}}}}
    """
    api = """
    paths:
      /x:
        get:
          x-amazon-apigateway-integration:
            uri: {Fn::Sub: "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${F.Arn}/invocations"}
            timeoutInMillis: 4000
    """
    (source,) = only(imported(tmp_path, text, api_dot_yaml=api)).sources
    assert (source.type, source.integration_timeout_s) == ("api_gateway_rest", 4.0)


def test_nested_stacks_pass_parameters_and_outputs(tmp_path: Path) -> None:
    text = """
    Parameters: {Size: {Type: Number, Default: 640}}
    Resources:
      Data: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: nested/data.yaml}}
      Code: {Type: AWS::Serverless::Application, Properties: {Location: nested/code.yaml, Parameters: {Memory: !Ref Size, Source: !GetAtt Data.Outputs.Arn}}}
      Far: {Type: AWS::Serverless::Application, Properties: {Location: {ApplicationId: x, SemanticVersion: 1.0.0}}}
    """
    data = """
    Resources: {Q: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 33}}}
    Outputs: {Arn: {Value: !GetAtt Q.Arn}}
    """
    code = """
    Parameters: {Memory: {Type: Number}, Source: {Type: String}}
    Resources:
      F: {Type: AWS::Serverless::Function, Properties: {MemorySize: !Ref Memory, Events: {E: {Type: SQS, Properties: {Queue: !Ref Source}}}}}
    """
    found = imported(tmp_path, text, nested__data_dot_yaml=data, nested__code_dot_yaml=code)
    one = only(found)
    assert (one.resource, one.name, one.memory_mb) == ("Code/F", "Code/F", 640)
    assert one.sources[0].queue is not None
    assert (one.sources[0].queue.name, one.sources[0].queue.visibility_s) == ("Data/Q", 33)
    assert "Far: nested stack lies elsewhere" in str(found.unresolved[0])


def test_loops_are_written_out(tmp_path: Path) -> None:
    text = """
    Transform: AWS::LanguageExtensions
    Parameters: {Names: {Type: CommaDelimitedList, Default: "a,b-c"}}
    Resources:
      Fn::ForEach::Each:
        - Name
        - !Ref Names
        - F&{Name}:
            Type: AWS::Lambda::Function
            Properties: {FunctionName: !Sub "x-${Name}", MemorySize: 256}
      Fn::ForEach::Outer:
        - Q
        - [1, 2]
        - Fn::ForEach::Inner: [R, [u, v], {"G${Q}${R}": {Type: AWS::Lambda::Function, Properties: {FunctionName: {Ref: R}}}}]
    """
    found = imported(tmp_path, text)
    assert [(one.resource, one.name) for one in found.functions] == [
        ("Fa", "x-a"), ("Fbc", "x-b-c"), ("G1u", "u"), ("G1v", "v"), ("G2u", "u"), ("G2v", "v"),
    ]  # fmt: skip


def test_what_a_deployment_alone_runs_is_left_out_by_name(tmp_path: Path) -> None:
    text = """
    Resources:
      Setup: {Type: AWS::Lambda::Function}
      Both: {Type: AWS::Serverless::Function, Properties: {Events: {E: {Type: Api}}}}
      Hook: {Type: AWS::Serverless::Function}
      Main: {Type: AWS::Serverless::Function, Properties: {DeploymentPreference: {Hooks: {PreTraffic: !Ref Hook}}}}
      C: {Type: Custom::Setup, Properties: {ServiceToken: !GetAtt Setup.Arn}}
      D: {Type: AWS::CloudFormation::CustomResource, Properties: {ServiceToken: !GetAtt Both.Arn}}
      LogRetentionaae0aa3c5b4d4f87b02d85b201efdd8aFD4BFC8A: {Type: AWS::Lambda::Function}
    """
    found = imported(tmp_path, text)
    assert list(by_name(found)) == ["Both", "Main"]
    left = {remark.resource for remark in found.left_out}
    assert left == {"Setup", "Hook", "LogRetentionaae0aa3c5b4d4f87b02d85b201efdd8aFD4BFC8A"}


def test_provisioned_concurrency_by_alias_and_schedule(tmp_path: Path) -> None:
    text = """
    Resources:
      F: {Type: AWS::Lambda::Function, Properties: {FunctionName: work}}
      A: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref F, Name: live, ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: "3"}}}
      I: {Type: AWS::Lambda::EventInvokeConfig, Properties: {FunctionName: !Ref F, MaximumRetryAttempts: 0, DestinationConfig: {OnFailure: {Destination: x}}}}
      T:
        Type: AWS::ApplicationAutoScaling::ScalableTarget
        Properties:
          ServiceNamespace: lambda
          ResourceId: !Sub function:${F}:live
          MinCapacity: 1
          MaxCapacity: 9
          ScheduledActions: [{Schedule: "cron(0 8 * * ? *)", ScalableTargetAction: {MinCapacity: 6}}]
    """
    one = only(imported(tmp_path, text))
    assert one.provisioned == (FoundProvisioned(3), FoundProvisioned(6, "cron(0 8 * * ? *)"))
    assert (one.retry_attempts, one.on_failure) == (0, "destination")


def test_a_processed_template_of_get_template(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    inner = "Resources:\n  F: {Type: AWS::Lambda::Function, Properties: {MemorySize: 333}}\n"
    for body in (
        inner,
        {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"MemorySize": 333}}}},
    ):
        path.write_text(json.dumps({"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}))
        assert only(read_source(path)).memory_mb == 333


def test_cdk_assemblies_join_their_stacks(tmp_path: Path) -> None:
    out = tmp_path / "cdk.out"
    (out / "assembly-Prod").mkdir(parents=True)
    stack = {"type": "aws:cloudformation:stack", "environment": "aws://123456789012/eu-west-1"}
    manifest: dict[str, Any] = {
        "version": "36.0.0",
        "artifacts": {
            "Data": {**stack, "properties": {"templateFile": "Data.template.json"}},
            "Prod": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}},
        },
    }
    code = {"artifacts": {"Code": {**stack, "properties": {"templateFile": "Code.template.json"}}}}
    data = {
        "Resources": {"Queue1A": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 44}}},
        "Outputs": {"O": {"Value": {"Fn::GetAtt": ["Queue1A", "Arn"]}, "Export": {"Name": "Data:Queue"}}},
    }
    app = {
        "Parameters": {
            "BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk-bootstrap"}
        },
        "Resources": {
            "Worker9F": {
                "Type": "AWS::Lambda::Function",
                "Properties": {"MemorySize": 700},
                "Metadata": {"aws:cdk:path": "Code/Jobs/Worker/Resource"},
            },
            "Map": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {
                    "EventSourceArn": {"Fn::ImportValue": "Data:Queue"},
                    "FunctionName": {"Ref": "Worker9F"},
                },
            },
        },
    }
    manifest["artifacts"]["Assert"] = {**stack, "properties": {"templateFile": "Assert.template.json"}}
    (out / "Assert.template.json").write_text(json.dumps({"Parameters": {}, "Rules": {}}))
    (out / "manifest.json").write_text(json.dumps(manifest))
    (out / "Data.template.json").write_text(json.dumps(data))
    (out / "assembly-Prod" / "manifest.json").write_text(json.dumps(code))
    (out / "assembly-Prod" / "Code.template.json").write_text(json.dumps(app))
    for path in (out, tmp_path, out / "manifest.json"):
        found = read_source(path)
        one = only(found)
        assert (found.region, one.name, one.memory_mb, types(one)) == (
            "eu-west-1",
            "Jobs-Worker",
            700,
            ["sqs"],
        )
        assert one.sources[0].queue is not None
        assert one.sources[0].queue.visibility_s == 44
    assert "123456789012" not in repr(found)


def test_included_files_stay_in_the_folder(tmp_path: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text("Resources: {Stolen: {Type: AWS::Lambda::Function}}\n")
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "link.yaml").symlink_to(secret)
    for location in (
        "../secret.yaml",
        str(secret),
        "link.yaml",
        "s3://b/x.yaml",
        "~/x",
        "a\\0b",
        "loop.yaml",
    ):
        text = f"""
        Resources:
          F: {{Type: AWS::Lambda::Function}}
          N: {{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: "{location}"}}}}
          Fn::Transform: {{Name: AWS::Include, Parameters: {{Location: "{location}"}}}}
        """
        loop = """
        Resources:
          N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: loop.yaml}}
          Fn::Transform: {Name: AWS::Include, Parameters: {Location: loop.yaml}}
        """
        found = imported(folder, text, loop_dot_yaml=loop)
        assert [one.resource for one in found.functions] == ["F"]
        assert found.unresolved


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Resources: [a]\n", "is not recognised"),
        ("AWSTemplateFormatVersion: x\n", "has no Resources mapping"),
        ("StartAt: A\nStates: {}\n", "is a definition of Step Functions"),
        ("openapi: 3.0.0\n", "is an OpenAPI definition"),
        ("name: x\nstart: 2026-11-01\nduration: 1d\nfunctions: []\n", "is a scenario already"),
        ("Functions: []\n", "is an answer of the AWS CLI"),
        ('{"@level": "info", "@message": "x"}\n{"@level": "info"}\n', "is the log of terraform plan -json"),
        ('resource "aws_lambda_function" "x" {\n  memory_size = 128\n}\n', "is in Terraform's language"),
        ("just words\n", "is not recognised"),
        ("a: 1\n", "is not recognised (it has a)"),
        ("Resources: {Fn::ForEach::X: [a, [" + "1," * 200 + "1], {'${a}': {Fn::ForEach::Y: [b, [" + "1," * 200 + "1], {'${b}': 1}]}}]}\n",
         "loops make more than 20,000 copies"),
        ("Mappings: {}\nResources: {F: {Type: AWS::Lambda::Function, Properties: {Description: " + "{'Fn::Sub': ['" + "${a}" * 30 + "', {a: " * 1
         + "{'Fn::Sub': ['" + "${b}" * 300 + "', {b: {'Fn::Sub': ['" + "${c}" * 300 + "', {c: " + "x" * 1000 + "}]}}]}" + "}]}}}}\n",
         "makes text of more than 1,000,000 characters"),
    ],
)  # fmt: skip
def test_what_is_no_template_is_one_error(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(TemplateError) as caught:
        imported(tmp_path, text)
    assert told in str(caught.value)
    assert len(caught.value.faults) == 1


def test_oddities_are_read_all_the_same(tmp_path: Path) -> None:
    text = """
    Resources:
      F:
        Type: AWS::Serverless::Function
        Description: beside Properties
        Properties:
          Handler: a
          Handler: b
          Runtime: provided.al2023023
          MemorySize: lots
          Architectures: arm64
          Events: {Bad: {Properties: {}}, New: {Type: Telepathy}}
      G: {Properties: {}}
      H: 5
      I: {Type: AWS::Lambda::Function, Properties: [1]}
      J: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: "{"}}
    """
    found = imported(tmp_path, text)
    assert [one.resource for one in found.functions] == ["F", "I"]
    assert found.functions[0].architecture == "arm64"
    told = "\n".join(map(str, found.warnings))
    for one in (
        "Handler is given twice",
        "MemorySize lots is no whole number",
        "Bad has no Type",
        "G: has no Type",
        "H: has no Type",
    ):
        assert one in told


def test_ten_thousand_resources_are_read_in_seconds(tmp_path: Path) -> None:
    resources = {
        f"T{k}": {"Type": "AWS::SNS::Topic", "Properties": {"N": {"Fn::Sub": f"${{T{k - 1}}}"}}}
        for k in range(30_000)
    }
    resources["F"] = {"Type": "AWS::Lambda::Function", "Properties": {}}
    path = tmp_path / "big.json"
    path.write_text(json.dumps({"Resources": resources}))
    start = perf_counter()
    assert len(read_source(path).functions) == 1
    assert perf_counter() - start < 20


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("cdk.json", "run cdk synth"),
        ("serverless.ts", "run serverless package"),
        ("main.tf", "terraform show -json"),
        ("notes.txt", "has none of template.yaml"),
    ],
)
def test_a_folder_of_sources_says_what_to_make_first(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(TemplateError, match=told):
        read_source(tmp_path)
    if name != "cdk.json":
        with pytest.raises(TemplateError):
            read_source(tmp_path / name)


def test_a_number_of_thousands_of_digits_beside_a_template_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "samconfig.toml").write_text(f"[default.deploy.parameters]\nregion = {'9' * 5000}\n")
    assert imported(tmp_path, PARAMETERS, {}).region is None


def test_resources_that_bring_functions_along_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("""
Resources:
  F: {Type: AWS::Lambda::Function, Properties: {Code: {ZipFile: x}, Role: r}}
  Canary: {Type: AWS::Synthetics::Canary, Properties: {Name: c}}
  Set: {Type: AWS::CloudFormation::StackSet, Properties: {StackSetName: s}}
  Part: {Type: 'Acme::Web::Shop::MODULE', Properties: {}}
""")
    found = read_source(path)
    assert [one.resource for one in found.functions] == ["F"]
    assert {one.resource for one in found.not_modelled} == {"Canary", "Set"}
    assert [one.resource for one in found.unresolved] == ["Part"]


def test_a_tag_with_the_name_of_a_secret_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    tags = (
        "Tags: [{Key: team, Value: shop}, {Key: DbPassword, Value: hunter2}, {Key: API_KEY, Value: hunter2}]"
    )
    path.write_text(
        f"Resources:\n  F: {{Type: AWS::Lambda::Function, Properties: {{Code: {{ZipFile: x}}, Role: r, {tags}}}}}\n"
    )
    (function,) = read_source(path).functions
    assert function.tags == (("team", "shop"),)
