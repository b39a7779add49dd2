"""Commands that ask questions of many runs."""

from pathlib import Path

import pytest
from program import lambdasim

SCENARIO = """name: {name}
start: 2026-11-01T00:00:00Z
duration: 30min
functions:
  - name: f
    memory_mb: {memory}
    timeout: 30s
    work: {{cpu_ms: {{lognormal: {{p50: 100, p95: 250}}}}, max_memory_mb: 200}}
    trigger: {{type: function_url}}
    traffic: {{poisson: {{rate_per_s: 2}}}}
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("s") / "small.yaml"
    path.write_text(SCENARIO.format(name="small", memory=512))
    return path


def test_a_sweep_recommends_within_the_target_and_shows_what_fails(small: Path) -> None:
    done = lambdasim(
        "sweep-memory", small, "--sizes", "128,512,1769", "--target", "p95=400ms", "--replications", 2
    )
    assert done.returncode == 0, done.stderr
    assert "1,769 MB" in done.stdout.split("recommended")[0]
    assert "FAILS: memory" in done.stdout


def test_a_comparison_fails_a_build_when_the_bill_grows(small: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_text(SCENARIO.format(name="large", memory=10240))
    assert lambdasim("compare", small, small, "--fail-above", "5%", "--replications", 2).returncode == 0
    done = lambdasim("compare", small, large, "--fail-above", "5%", "--replications", 2, "--markdown")
    assert done.returncode == 1, done.stderr
    assert "|" in done.stdout


def test_limits_are_told(small: Path) -> None:
    done = lambdasim("limits", small, "--multiples", "1,2", "--replications", 2)
    assert done.returncode == 0, done.stderr
    assert "no limit refuses anything" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_limits_fail_a_build_on_findings_and_throttles(small: Path, tmp_path: Path) -> None:
    quick = ("--multiples", "1", "--replications", 2)
    done = lambdasim("limits", small, *quick, "--fail-findings")
    assert done.returncode == 1, done.stderr
    assert "arm64-untried" in done.stdout
    done = lambdasim("limits", small, *quick, "--fail-findings", "--select", "no-dlq,init-near-cap")
    assert done.returncode == 0, done.stderr
    assert "no findings" in done.stdout
    done = lambdasim("limits", small, *quick, "--ignore", "arm64-untried")
    assert done.returncode == 0, done.stderr
    assert "arm64-untried" not in done.stdout
    crowded = tmp_path / "crowded.yaml"
    crowded.write_text(SCENARIO.format(name="crowded", memory=512) + "account: {concurrency: 0}\n")
    assert lambdasim("limits", crowded, *quick, "--fail-throttles", "0.1%").returncode == 1
    assert lambdasim("limits", small, *quick, "--fail-throttles", "0.1%").returncode == 0


STUDIES = {
    "sweep-memory": ("{s}", "--sizes", "512", "--replications", "2"),
    "compare": ("{s}", "{s}", "--replications", "2"),
    "limits": ("{s}", "--multiples", "1", "--replications", "2"),
    "simulate": ("{s}",),
    "break-even": ("{s}", "--replications", "2"),
    "platforms": ("{s}", "--replications", "1"),
    "safety": ("{s}",),
}


@pytest.mark.parametrize("command", STUDIES)
def test_a_folder_that_cannot_be_written_is_found_before_the_work(
    small: Path, tmp_path: Path, command: str
) -> None:
    file = tmp_path / "file"
    file.touch()
    for out in (file, file / "inside"):
        done = lambdasim(command, *(part.format(s=small) for part in STUDIES[command]), "-o", out)
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.startswith(f"{out}: ")
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("command", "name"), [("limits", "risk.csv")])
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_what_was_found_is_printed_also_where_its_folder_cannot_be_written(
    small: Path, tmp_path: Path, command: str, name: str, form: tuple[str, ...]
) -> None:
    (tmp_path / name).mkdir()
    arguments = [part.format(s=small) for part in STUDIES[command]]
    done = lambdasim(command, *arguments, *form, "-o", tmp_path)
    assert done.returncode in (1, 2)
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"{tmp_path / name}: ")
    assert done.stdout == lambdasim(command, *arguments, *form).stdout


@pytest.mark.parametrize(
    ("command", "name"),
    [("limits", "report.html"), ("simulate", "report.html"), ("simulate", "latency.png")],
)
def test_a_file_that_is_a_folder_is_found_before_the_work(
    small: Path, tmp_path: Path, command: str, name: str
) -> None:
    (tmp_path / name).mkdir()
    arguments = [part.format(s=small) for part in STUDIES[command]]
    done = lambdasim(command, *arguments, "-o", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [f"{tmp_path / name}: cannot be written: is a folder"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("sweep-memory", "{s}", "--sizes", "small"),
        ("sweep-memory", "{s}", "--target", "fast"),
        ("sweep-memory", "{s}", "--architectures", "arm,x86_64"),
        ("sweep-memory", "{s}", "--budget", "nan"),
        ("forecast", "{s}", "--month", "2026-12", "--budget", "0"),
        ("bill", "{s}", "--tag", "team"),
        ("bill", "{s}", "--infracost-month", "2026-11"),
        ("sweep-memory", "{s}", "--function", "g"),
        ("sweep-memory", "{s}", "--precision", "-2"),
        ("compare", "{s}"),
        ("limits", "{s}", "--multiples", "0"),
        ("limits", "{s}", "--select", "no-such-rule"),
        ("limits", "{s}", "--fail-throttles", "some"),
        ("limits", "{s}", "--fail-throttles", "200%"),
        ("compare", "{s}", "{s}", "--fail-above", "5"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(small: Path, arguments: tuple[str, ...]) -> None:
    done = lambdasim(*(argument.format(s=small) for argument in arguments))
    assert done.returncode == 2, done.stdout
    assert len(done.stderr.splitlines()) == 1
