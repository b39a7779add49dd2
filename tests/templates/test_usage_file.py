"""Infracost's usage file as traffic and durations of a template's functions."""

from pathlib import Path

import pytest

from lambdasim.errors import TemplateError
from lambdasim.specs import load_scenario_text
from lambdasim.templates.estimate.ask import estimate_template
from lambdasim.templates.reading import read_source
from lambdasim.templates.usage_file import with_usage
from lambdasim.templates.writing.commented_yaml import commented_yaml
from lambdasim.templates.writing.draft import draft_scenario

TEMPLATE = """
Resources:
  HelloWorld: {Type: AWS::Serverless::Function, Properties: {MemorySize: 512, Runtime: python3.12, Events: {Get: {Type: HttpApi}}}}
  Other: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.12, Events: {Get: {Type: Api}}}}
"""  # noqa: E501
USAGE = """
version: 0.1
resource_type_default_usage:
  aws_lambda_function: {monthly_requests: 5000}
resource_usage:
  aws_lambda_function.hello_world: {monthly_requests: 1000000, request_duration_ms: 500}
  module.x.aws_lambda_function.this[0]: {monthly_requests: 7}
  aws_s3_bucket.b: {object_tags: 3}
"""


def files(folder: Path, usage: str = USAGE) -> tuple[Path, Path]:
    (folder / "template.yaml").write_text(TEMPLATE)
    (folder / "infracost-usage.yml").write_text(usage)
    return folder / "template.yaml", folder / "infracost-usage.yml"


def test_requests_and_durations_are_taken_over(tmp_path: Path) -> None:
    template, usage = files(tmp_path)
    found = with_usage(read_source(template), usage)
    hello, other = found.functions
    assert (hello.requests_per_month, hello.duration_ms) == (1_000_000, 500)
    assert (other.requests_per_month, other.duration_ms) == (5_000, None)
    assert "module.x.aws_lambda_function.this[0] is no function of template.yaml" in str(found.warnings[0])
    draft = draft_scenario(found)
    assert [one.key for one in draft.questions if one.function == "HelloWorld"] == ["work"]
    spec = load_scenario_text(commented_yaml(draft.scenario)).function("HelloWorld")
    assert spec.traffic.poisson is not None
    assert spec.traffic.poisson.rate_per_s * 730 * 3600 == pytest.approx(1e6, rel=1e-5)
    # Half of 500 ms is CPU time, of which 512 MB give 512 / 1,769 of a vCPU: stretched again it is 250 ms.
    assert spec.work.cpu_ms.mean() * 1769 / 512 + spec.work.io_ms.mean() == pytest.approx(500, rel=1e-2)
    assert len(spec.work.plausible) == 2
    for one in spec.work.plausible:
        assert one.cpu_ms.mean() * 1769 / 512 + one.io_ms.mean() == pytest.approx(500, rel=1e-2)


def test_an_estimate_with_a_usage_file_is_narrow_and_right(tmp_path: Path) -> None:
    template, usage = files(tmp_path)
    found = estimate_template(template, [], usage=usage)
    hello = next(one for one in found.functions if one.name == "HelloWorld")
    # A million requests: 0.20 USD, and 500 ms of half a GB: 250,000 GB-s at 0.0000166667 USD.
    by_hand = 0.20 + 250_000 * 0.0000166667
    assert by_hand * 0.99 < hello.usd_list.p10 <= hello.usd_list.p90 < by_hand * 1.03


def test_a_usage_file_alone_says_what_it_has(tmp_path: Path) -> None:
    _, usage = files(tmp_path)
    found = read_source(usage)
    assert found.kind == "Infracost usage file"
    assert [(one.name, one.requests_per_month) for one in found.functions] == [
        ("hello_world", 1e6),
        ("this", 7),
    ]


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        ("version: 0.1\n", "must be an Infracost usage file"),
        ("resource_usage: {aws_lambda_function.x: 5}\n", "aws_lambda_function.x: must be a mapping"),
        ("resource_usage: {aws_lambda_function.x: {monthly_requests: many}}\n", "monthly_requests: must be a number"),
        ("resource_usage: {aws_lambda_function.x: {request_duration_ms: -1}}\n", "request_duration_ms: must be a number"),
    ],
)  # fmt: skip
def test_other_values_are_refused(tmp_path: Path, usage: str, told: str) -> None:
    template, path = files(tmp_path, usage)
    with pytest.raises(TemplateError) as caught:
        with_usage(read_source(template), path)
    assert told in str(caught.value)


def test_a_usage_file_about_other_functions_is_refused_and_not_left_out_in_silence(tmp_path: Path) -> None:
    """Else an estimate would stand on guesses, although its traffic was given."""
    (tmp_path / "t.yaml").write_text(
        "Resources: {F: {Type: AWS::Lambda::Function, Properties: {Handler: a.b, Runtime: python3.12}}}\n"
    )
    usage = tmp_path / "u.yml"
    for key, has in (
        ("aws_lambda_function.other", "aws_lambda_function.other"),
        ("F", "no aws_lambda_function"),
    ):
        usage.write_text(f"version: 0.1\nresource_usage: {{{key}: {{monthly_requests: 5000000}}}}\n")
        with pytest.raises(
            TemplateError, match=rf"resource_usage: names no function of .*: it has {has}; functions are F"
        ):
            estimate_template(tmp_path / "t.yaml", [], usage=usage)
    usage.write_text(
        "version: 0.1\nresource_usage:\n  aws_lambda_function.f: {monthly_requests: 5000000}\n"
        "  aws_lambda_function.g: {monthly_requests: 7}\n"
    )
    found = estimate_template(tmp_path / "t.yaml", [], usage=usage)
    assert found.requests == pytest.approx(5_000_000, rel=1e-5)
    assert any("aws_lambda_function.g is no function of" in one for one in found.assumed)
