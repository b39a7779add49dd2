"""Nothing that comes from a file reaches the terminal as more than text, from whichever command it is printed."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import lambdasim as ls
from lambdasim.billing.usage import from_json
from lambdasim.errors import InputError
from tests.outputs.writers import lambdasim

NAME = "a\x1b[2J\x1b]0;owned\x07\u202eb"
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def history(tmp_path: object) -> str:
    """Give daily counts of a function whose name would clear the screen."""
    rows = "".join(
        f"2026-{month:02}-{day:02}T00:00:00Z,{NAME},{5 + day % 7}\n"
        for month in (8, 9, 10)
        for day in range(1, 31)
    )
    path = f"{tmp_path}/h.csv"
    with open(path, "w", encoding="utf-8") as file:
        file.write("time,function,count\n" + rows)
    return path


def test_a_back_test_prints_names_as_text(history: str) -> None:
    for more in ("", " --json"):
        ended = lambdasim(f"backtest {history} --paths 20{more}")
        assert ended.returncode == 0
        assert not HARMFUL.search(ended.stdout + ended.stderr)
    assert {row["series"] for row in json.loads(ended.stdout)["forecasts"]} == {NAME}


def test_a_name_on_the_command_line_comes_back_as_text() -> None:
    ended = lambdasim(f"validate {NAME}.yaml")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert not HARMFUL.search(ended.stderr)
    assert "\\x1b[2J" in ended.stderr


@pytest.mark.parametrize(("used", "status"), [(900, 2), (513, 0)])
def test_a_run_that_used_more_memory_than_it_had_is_a_bad_row(
    used: int, status: int, tmp_path: object
) -> None:
    """Logs of runs out of memory print a megabyte or so above the size; nearly twice the size no Lambda has."""
    path = f"{tmp_path}/log.txt"
    with open(path, "w", encoding="utf-8") as file:
        for n in range(120):
            memory = used if n == 7 else 70
            file.write(
                f"2026-11-02T00:{n // 60:02}:{n % 60:02} REPORT RequestId: 00000000-0000-4000-8000-{n:012} "
                f"Duration: 20.00 ms Billed Duration: 20 ms Memory Size: 512 MB Max Memory Used: {memory} MB\n"
            )
    ended = lambdasim(f"calibrate {path} --utc")
    assert ended.returncode == status
    if status:
        assert (
            "row 8: Max Memory Used: must not be above the Memory Size of 512 MB, got 900 MB" in ended.stderr
        )


def test_readers_escape_what_a_spoilt_file_has_in_it(tmp_path: Path) -> None:
    """Finds of fuzzing: a column's name and a key, in errors that are read without the program."""
    (tmp_path / "v.csv").write_bytes(b"\0s\n\0.5\n2\n")
    law = "{empirical: {file: v.csv}}"
    text = (
        "{name: t, start: 2026-11-02T00:00:00Z, duration: 1min, functions: [{name: f, work: {cpu_ms: %s},"
        " traffic: {constant: {rate_per_s: 1}}}]}"
    )
    usage = '{"format": "lambdasim-usage-1", "usage": [{"\\u0000memory_mb": 512}]}'
    calls: list[Callable[[], object]] = [
        lambda: ls.load_scenario_text(text % law, base_dir=tmp_path),
        lambda: from_json(usage),
    ]
    for call in calls:
        with pytest.raises(InputError) as refused:
            call()
        assert not HARMFUL.search(str(refused.value)), str(refused.value)
