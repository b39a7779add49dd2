"""``lambdasim import`` as a person runs it: from a template to a simulated folder."""

import json
from pathlib import Path
from subprocess import CompletedProcess

from program import lambdasim

import lambdasim as ls

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Timeout: 20, MemorySize: 512, Architectures: [arm64]}}
Resources:
  Api: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.12, Environment: {Variables: {KEY: hunter2}}, Events: {Get: {Type: HttpApi}}}}
  Tick: {Type: AWS::Serverless::Function, Properties: {Runtime: nodejs22.x, Events: {T: {Type: Schedule, Properties: {Schedule: rate(1 hour)}}}}}
  Jobs: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.12, Events: {Q: {Type: SQS, Properties: {Queue: "arn:aws:sqs:eu-west-1:123456789012:jobs"}}}}}
"""  # noqa: E501


def run(*args: object, cwd: Path) -> CompletedProcess[str]:
    return lambdasim(*args, cwd=cwd, on_warning="error")


def test_from_a_template_to_a_bill(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    done = run("import", "template.yaml", "-o", "app/", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "3 functions (SAM template)" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    for command in (("validate", "app/"), ("simulate", "app/")):
        done = run(*command, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert "Tick" in done.stdout
    for path in (tmp_path / "app").rglob("*"):
        if path.is_file():
            assert "hunter2" not in path.read_text()
            assert "123456789012" not in path.read_text()


def test_json_holds_every_function_with_its_sources(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    done = run("import", "template.yaml", "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert [(one["resource"], one["memory_mb"], one["timeout_s"], one["architecture"]) for one in told["functions"]] == [
        ("Api", 512, 20, "arm64"), ("Tick", 512, 20, "arm64"), ("Jobs", 512, 20, "arm64"),
    ]  # fmt: skip
    assert [one["sources"][0]["type"] for one in told["functions"]] == ["api_gateway_http", "schedule", "sqs"]
    assert "hunter2" not in done.stdout + done.stderr
    assert "123456789012" not in done.stdout


def test_faults_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    for args in (
        ("import", "nothing.yaml"),
        ("import", "template.yaml", "-p", "Size"),
        ("import", "template.yaml", "-p", "Size=3"),
        ("import", "template.yaml", "-o", "template.yaml"),
        ("import", tmp_path / "none"),
    ):
        done = run(*args, cwd=tmp_path)
        assert done.returncode != 0
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert "Traceback" not in done.stderr


def test_a_first_number_in_an_empty_folder(tmp_path: Path) -> None:
    done = run("init", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "scenario.yaml" in done.stdout
    assert run("validate", "scenario.yaml", cwd=tmp_path).returncode == 0
    again = run("init", cwd=tmp_path)
    assert again.returncode == 2
    assert again.stderr == "scenario.yaml: is there already and is not replaced; name another file\n"


def test_every_example_is_listed_and_can_be_copied_and_used(tmp_path: Path) -> None:
    done = run("init", "--example", cwd=tmp_path)
    names = [line.split(":")[0] for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert names[0] == "scenario"
    assert {"template", "product_launch", "java_snapstart"} <= set(names)
    for name in names:
        assert run("init", "--example", name, cwd=tmp_path).returncode == 0
        if name != "template":
            assert ls.load_scenario(tmp_path / f"{name}.yaml").functions
    for verb, name in (("import", "template"), ("validate", "product_launch")):
        used = run(verb, f"{name}.yaml", cwd=tmp_path)
        assert used.returncode == 0, used.stderr
    done = run("init", "--example", "nothing", cwd=tmp_path)
    assert done.returncode == 2
    assert "has no nothing; there are scenario" in done.stderr


def test_an_estimate_is_one_screen_and_json_for_scripts(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    done = run("estimate", "template.yaml", "--requests", "3M/month", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) <= 30
    assert max(map(len, done.stdout.splitlines())) <= 80
    page = run("estimate", "template.yaml", "--requests", "3M/month", "--out", "estimate", cwd=tmp_path)
    assert page.stdout.startswith(done.stdout.rstrip())
    shown = (tmp_path / "estimate" / "report.html").read_text()
    kept = json.loads((tmp_path / "estimate" / "result.json").read_text())
    assert f"{kept['usd_list']['p50']:.2f}" in shown
    assert {one["function"] for one in kept["by_function"]} == {one["name"] for one in kept["functions"]}
    assert (tmp_path / "estimate" / "estimate.png").exists()
    told = json.loads(
        run("estimate", "--calls", "20k/day", "--duration", "120ms", "--json", cwd=tmp_path).stdout
    )
    assert told["usd"]["p10"] <= told["usd"]["p50"] <= told["usd"]["p90"]
    for wrong in (
        ("estimate",),
        ("estimate", "template.yaml", "--calls", "3/s"),
        ("estimate", "template.yaml", "--requests", "x"),
    ):
        done = run(*wrong, cwd=tmp_path)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1


def test_a_refresh_says_what_the_template_changed_and_what_stays(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    assert run("import", "template.yaml", "-o", "app", cwd=tmp_path).returncode == 0
    path = tmp_path / "app" / "scenario.yaml"
    path.write_text(path.read_text().replace("timeout: 20s", "timeout: 44s", 1))
    (tmp_path / "template.yaml").write_text(
        TEMPLATE.replace("Timeout: 20, MemorySize: 512", "Timeout: 30, MemorySize: 640")
    )
    refused = run("import", "template.yaml", "-o", "app", cwd=tmp_path)
    assert refused.returncode == 2
    assert "--refresh" in refused.stderr
    done = run("import", "template.yaml", "-o", "app", "--refresh", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Api.memory_mb: 512 -> 640" in done.stdout
    assert "Api.timeout: yours 44s; the template has 30s now" in done.stdout
    assert run("validate", "app", cwd=tmp_path).returncode == 0
    assert run("import", "template.yaml", "--refresh", cwd=tmp_path).stderr.count("\n") == 1
