"""Terraform's own files: what the shapes do not show."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lambdasim.errors import TemplateError
from lambdasim.templates.found import Found, Given
from lambdasim.templates.reading import read_source
from lambdasim.templates.terraform.expressions import evaluated
from lambdasim.templates.terraform.nodes import Scope, Unknown

FUNCTION = 'resource "aws_lambda_function" "f" {\n  memory_size = 256\n}\n'


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("${1 + 2 * 3}", 7),
        ("${(1 + 2) * 3 - -1}", 10),
        ("${var.n > 2 && !false ? \"many\" : \"few\"}", "many"),
        ("a-${var.n}-${local.m[\"x\"]}", "a-3-9"),
        ("${[for k, v in local.m : \"${k}=${v}\" if v != 8]}", ["x=9"]),
        ("${{ for s in [\"a\"] : upper(s) => s }}", {"A": "a"}),
        ("${lookup(local.m, \"z\", 5)}", 5),
        ("${try(var.missing, 4)}", 4),
        ("${coalesce(null, \"b\")}", "b"),
        ("${merge(local.m, { x = 1 }).x}", 1),
        ("${element([1, 2, 3], 4)}", 2),
        ("${jsonencode({ a = [1, true] })}", '{"a":[1,true]}'),
        ("${length(keys(local.m))}", 2),
        ("$${var.n}", "${var.n}"),
        ("${aws_sqs_queue.q[0].arn}", Unknown(("aws_sqs_queue.q[0].arn",))),
        ("x${aws_sqs_queue.q.arn}y", Unknown(("aws_sqs_queue.q.arn",), "x${aws_sqs_queue.q.arn}y")),
        ("${aws_x.y[\"k\"].arn == 1 ? aws_a.b.c : 2}", Unknown(("aws_a.b.c",))),
        ("${file(\"x\")}", Unknown(())),
        ("${1 +}", Unknown(())),
    ],
)  # fmt: skip
def test_expressions(text: str, value: object) -> None:
    known = {"n": 3}
    scope = Scope(
        {
            "var": lambda name: known.get(name, Unknown()), "local": {"m": {"x": 9, "y": 8}},
        }
    )  # fmt: skip
    assert evaluated(text, scope) == value


def test_without_the_extra_one_reason_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "main.tf").write_text(FUNCTION)
    monkeypatch.setitem(sys.modules, "hcl2", None)
    for source in (tmp_path, tmp_path / "main.tf"):
        with pytest.raises(TemplateError, match=r"lambda-costsim\[terraform\]"):
            read_source(source)


def test_a_variable_that_there_is_none_of_is_refused(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(f'variable "size" {{}}\n{FUNCTION}')
    with pytest.raises(TemplateError, match="is no variable of the configuration; it has size"):
        read_source(tmp_path, {"memory": "1"})


@pytest.mark.parametrize(
    "text",
    [
        'locals {\n  a = local.b\n  b = local.a\n}\nresource "aws_lambda_function" "f" {\n  memory_size = local.a\n}\n',
        'module "m" {\n  source = "./"\n}\n' + FUNCTION,
        'module "m" {\n  source = "../"\n}\n' + FUNCTION,
        'resource "aws_lambda_function" "f" {\n  count = 100000000\n}\n',
        'resource "aws_lambda_function" "f" {\n  memory_size = ' + "(" * 500 + "1" + ")" * 500 + "\n}\n",
        'resource "aws_lambda_function" "f" {\n  name = [for a in range(10000) : [for b in range(10000) : a]]\n}\n',
    ],
)
def test_what_never_ends_ends(tmp_path: Path, text: str) -> None:
    (tmp_path / "main.tf").write_text(text)
    try:
        functions = len(read_source(tmp_path).functions)
    except TemplateError as error:
        functions = len(error.faults)
    assert 1 <= functions <= 10_000


def found_in(folder: Path, **files: str) -> Found:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.tf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_source(folder)


def test_what_a_variable_hides_is_said_and_not_taken_for_the_default(tmp_path: Path) -> None:
    settings = "  memory_size = var.mb\n  timeout = var.s == 1 ? 60 : 10\n"
    text = f'resource "aws_lambda_function" "f" {{\n{settings}}}\nvariable "s" {{}}\n'
    found = found_in(tmp_path, main=text)
    assert {name: found.functions[0].given[name] for name in ("memory_mb", "timeout_s")} == {
        "memory_mb": Given.ASSUMED,
        "timeout_s": Given.ASSUMED,
    }
    told = " ".join(str(one) for one in found.unresolved)
    assert "variable mb, which is not declared" in told
    assert "variable s, which has no default" in told


def test_a_schedule_of_a_variable_stays_a_schedule(tmp_path: Path) -> None:
    text = (
        'resource "aws_cloudwatch_event_rule" "r" {\n  schedule_expression = var.when\n}\n'
        'resource "aws_cloudwatch_event_target" "t" {\n  rule = aws_cloudwatch_event_rule.r.name\n'
        "  arn = aws_lambda_function.f.arn\n}\n"
    )
    found = found_in(tmp_path, main=FUNCTION + text)
    assert [one.type for one in found.functions[0].sources] == ["schedule"]


def test_lists_that_are_known_to_be_empty_are_no_vpc(tmp_path: Path) -> None:
    def has_vpc(subnets: str) -> bool:
        block = f"  vpc_config {{\n    subnet_ids = {subnets}\n    security_group_ids = []\n  }}\n"
        text = f'resource "aws_lambda_function" "f" {{\n{block}}}\n'
        return found_in(tmp_path, main=text).functions[0].vpc

    assert not has_vpc("[]")
    assert has_vpc('["subnet-1"]')
    assert has_vpc("data.aws_subnets.own.ids")


BOMBS = {
    "text that doubles": ('a0 = "xxxxxxxxxx"', 'a{n} = "${{local.a{m}}}${{local.a{m}}}"'),
    "lists that double": ("a0 = [1]", "a{n} = concat(local.a{m}, local.a{m})"),
    "maps that double": ("a0 = { x = 1 }", "a{n} = {{ a = local.a{m}, b = local.a{m} }}"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_locals_that_double_one_another_end(kind: str, tmp_path: Path) -> None:
    first, each = BOMBS[kind]
    lines = [first, *(each.format(n=n, m=n - 1) for n in range(1, 45))]
    queue = 'resource "aws_sqs_queue" "q" {\n  name = jsonencode(local.a44)\n}\n'
    found = found_in(tmp_path, main=FUNCTION + queue + "locals {\n" + "\n".join(lines) + "\n}\n")
    assert [one.memory_mb for one in found.functions] == [256]


def test_hostile_calls_end_and_read_nothing_outside_of_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    (tmp_path / "secret.txt").write_text("9" * 5)
    calls = (
        'format("%999999999d", 5)', "pow(10, 10000000)", 'regex("(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")',
        'file("../secret.txt")', 'templatefile("/etc/hostname", {})', 'join(",", fileset("/", "**"))',
        "setproduct(range(1000), range(1000), range(1000))",
    )  # fmt: skip
    text = "".join(
        f'resource "aws_lambda_function" "f{n}" {{\n  description = {call}\n  memory_size = try({call}, 512)\n}}\n'
        for n, call in enumerate(calls)
    )
    assert {one.memory_mb for one in found_in(inside, main=text).functions} == {512}


def test_modules_and_resources_that_need_themselves_end(tmp_path: Path) -> None:
    text = (
        'module "me" {\n  source = "./"\n}\nmodule "a" {\n  source = "./m"\n  v = module.b.out\n}\n'
        'module "b" {\n  source = "./m"\n  v = module.a.out\n}\n'
        'resource "aws_lambda_function" "g" {\n  count = length(aws_lambda_function.h)\n}\n'
        'resource "aws_lambda_function" "h" {\n  count = length(aws_lambda_function.g)\n}\n'
        'variable "x" {\n  default = "${var.x}"\n}\n'
    )
    child = 'variable "v" {}\noutput "out" {\n  value = var.v\n}\n' + FUNCTION
    found = found_in(tmp_path, main=text, m__main=child)
    assert len(found.functions) == 4
    assert "leads back to itself" in " ".join(str(one) for one in found.unresolved)


def test_more_instances_than_can_be_read_are_said(tmp_path: Path) -> None:
    found = found_in(tmp_path, main='resource "aws_lambda_function" "f" {\n  count = 100000000\n}\n')
    assert len(found.functions) == 5_000
    assert "beyond 5,000 instances" in " ".join(str(one) for one in found.unresolved)


def test_a_consumer_of_a_stream_is_enhanced_fan_out_of_its_shards(tmp_path: Path) -> None:
    text = (
        'resource "aws_kinesis_stream" "s" {\n  shard_count = 3\n}\n'
        'resource "aws_kinesis_stream_consumer" "c" {\n  stream_arn = aws_kinesis_stream.s.arn\n}\n'
        'resource "aws_lambda_event_source_mapping" "m" {\n  event_source_arn = aws_kinesis_stream_consumer.c.arn\n'
        "  function_name = aws_lambda_function.f.arn\n}\n"
    )
    (source,) = found_in(tmp_path, main=FUNCTION + text).functions[0].sources
    assert (source.fan_out, source.shards) == (True, 3)
