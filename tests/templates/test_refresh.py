"""A folder brought up to date: what the template changed comes, what the user changed stays, comments too."""

from pathlib import Path

import pytest

from lambdasim.errors import TemplateError
from lambdasim.specs import load_scenario
from lambdasim.templates.reading import read_source
from lambdasim.templates.writing.draft import draft_scenario
from lambdasim.templates.writing.refresh import Refreshed, refreshed, write_refreshed
from lambdasim.templates.writing.scenario_writer import scenario_files, write_folder

FIRST = """
Resources:
  A: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.12, MemorySize: 256, Timeout: 10, Events: {E: {Type: HttpApi}}}}
  B: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.12, MemorySize: 256, Events: {E: {Type: S3}}}}
"""  # noqa: E501
SECOND = """
Resources:
  A: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.12, MemorySize: 512, Timeout: 20, ReservedConcurrentExecutions: 4, Events: {E: {Type: Api}}}}
  C: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.12, MemorySize: 1024, Events: {E: {Type: Schedule, Properties: {Schedule: rate(1 hour)}}}}}
"""  # noqa: E501


def imported(folder: Path, template: str) -> None:
    path = folder / "template.yaml"
    path.write_text(template)
    found = read_source(path)
    draft = draft_scenario(found)
    write_folder(scenario_files(found, draft), folder / "app")


def refresh(folder: Path, template: str) -> Refreshed:
    path = folder / "template.yaml"
    path.write_text(template)
    found = read_source(path)
    draft = draft_scenario(found)
    done = refreshed(folder / "app", scenario_files(found, draft), draft.scenario)
    write_refreshed(done, folder / "app")
    return done


def edit(folder: Path, *changes: tuple[str, str]) -> Path:
    path = folder / "app" / "scenario.yaml"
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)
    return path


def test_without_edits_a_refresh_has_every_value_of_a_new_import(tmp_path: Path) -> None:
    imported(tmp_path, FIRST)
    done = refresh(tmp_path, SECOND)
    assert done.kept == []
    other = tmp_path / "other"
    other.mkdir()
    imported(other, SECOND)
    one, two = load_scenario(tmp_path / "app"), load_scenario(other / "app")
    assert one.scenario_hash() == two.scenario_hash()
    assert "# A of template.yaml: Api E" in (tmp_path / "app" / "scenario.yaml").read_text()


def test_what_the_user_changed_stays_and_is_said(tmp_path: Path) -> None:
    imported(tmp_path, FIRST)
    path = edit(
        tmp_path,
        ("timeout: 10s", "timeout: 45s   # measured by us"),
        ("rate_per_s: 0.1", "rate_per_s: 25"),
        ("duration: 30d", "duration: 7d  # a week is enough"),
        ("cpu_ms: {lognormal: {p50: 15, p95: 40}}", "cpu_ms: 33"),
    )
    done = refresh(tmp_path, SECOND)
    a, c = load_scenario(path).functions
    assert (a.name, a.memory_mb, a.timeout_us, a.reserved_concurrency) == ("A", 512, 45_000_000, 4)
    assert a.trigger.type.value == "api_gateway_rest"
    assert a.traffic.poisson is not None
    assert a.traffic.poisson.rate_per_s == 25
    assert a.work.cpu_ms.mean() == 33
    assert (c.name, c.memory_mb, c.traffic.schedule) == ("C", 1024, "rate(1 hour)")
    text = path.read_text()
    assert "# measured by us" in text
    assert "# a week is enough" in text
    assert "A.memory_mb: 256 -> 512" in done.changed
    assert "A.timeout: yours 45s; the template has 20s now" in done.kept
    assert "C: new in the template" in done.changed
    assert "B: no longer in the template" in done.changed


def test_a_second_refresh_changes_nothing(tmp_path: Path) -> None:
    imported(tmp_path, FIRST)
    path = edit(tmp_path, ("rate_per_s: 0.1", "rate_per_s: 25"))
    refresh(tmp_path, SECOND)
    first = path.read_text()
    done = refresh(tmp_path, SECOND)
    assert (done.changed, path.read_text()) == ([], first)


def test_a_function_that_the_user_changed_is_not_dropped(tmp_path: Path) -> None:
    imported(tmp_path, FIRST)
    text = (tmp_path / "app" / "scenario.yaml").read_text()
    place = text.index("name: B")
    (tmp_path / "app" / "scenario.yaml").write_text(
        text[:place] + text[place:].replace("memory_mb: 256", "memory_mb: 300")
    )
    done = refresh(tmp_path, SECOND)
    assert "B: no longer in the template" in done.kept
    assert load_scenario(tmp_path / "app").function("B").memory_mb == 300


def test_a_function_on_one_line_is_refreshed_there(tmp_path: Path) -> None:
    imported(tmp_path, FIRST)
    path = tmp_path / "app" / "scenario.yaml"
    text = path.read_text()
    start = text.index("  # A of")
    flow = (
        "  # mine\n  - {name: A, memory_mb: 256, timeout: 45s, architecture: x86_64, runtime: python3.12,"
        " work: {cpu_ms: 5}, trigger: {type: api_gateway_http}, traffic: {poisson: {rate_per_s: 3}}}\n"
    )
    path.write_text(text[:start] + flow + text[text.index("  # B of") :])
    refresh(tmp_path, SECOND)
    a = load_scenario(path).function("A")
    assert (a.memory_mb, a.timeout_us, a.reserved_concurrency, a.work.cpu_ms.mean()) == (
        512,
        45_000_000,
        4,
        5,
    )
    assert "# mine" in path.read_text()


def test_what_cannot_be_refreshed_is_one_error_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    with pytest.raises(TemplateError, match=r"needs a folder with imported.json"):
        refresh(tmp_path, FIRST)
    imported(tmp_path, FIRST)
    path = edit(tmp_path, ("memory_mb: 256", "memory_mb: lots"))
    before = path.read_text()
    with pytest.raises(TemplateError, match="memory_mb"):
        refresh(tmp_path, SECOND)
    assert path.read_text() == before
    path.unlink()
    with pytest.raises(TemplateError, match="is gone"):
        refresh(tmp_path, SECOND)
