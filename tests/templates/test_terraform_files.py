"""Terraform's own files: what the shapes do not show."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lambdasim.errors import TemplateError
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
        ("x${aws_sqs_queue.q.arn}y", Unknown(("aws_sqs_queue.q.arn",))),
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
