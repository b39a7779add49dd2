"""Marks are found word by word where one expression finds them, in any text; what a log held is the same in each pass."""

import pickle
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lambdasim.errors import TraceError
from lambdasim.traffic.readers.logs.marks import MARK, Marks, has_words
from lambdasim.traffic.readers.logs.reader import read_report_logs
from lambdasim.traffic.readers.logs.reports import parse_report_line

REQUEST = "8f507cfc-1f2e-4d3c-9a7b-0123456789ab"
PIECES = st.sampled_from(
    [
        "START RequestId: ", "INIT_START Runtime Version: python:3.12", "REPORT RequestId: ", "REPORT R", "INIT_REPORT ",
        "RESTORE_START Runtime Version: x", "RESTORE_REPORT a", '"type": "platform.start"', '"event_type":"performance"',
        "[ERROR] KeyError: x ", "Traceback (most recent call last)", "RequestId: ", "Error: ", "Runtime exited", "exited",
        "Process exited", " Task timed out after", "Task timed out after 3 s", "\tERROR\tInvoke Error ", " ERROR ",
        "Invoke Error",
        REQUEST, "x", "_", "-", " ", "\n", "\t", "\u2003", "é", "Version: $LATEST", "a" * 20,
    ]
)  # fmt: skip


def marks_of(text: str) -> list[tuple[int, int]]:
    marks, done, found = Marks(text), 0, []
    while mark := marks.next(done):
        found.append(mark.span())
        done = mark.end()
    return found


@given(st.lists(PIECES, max_size=14).map("".join))
@example(f"{REQUEST} Task timed out after 3 s{REQUEST}\tERROR\tInvoke Error RequestId: exited Runtime exited")
@example(f"RequestId: {REQUEST} Error: Runtime exited exited Process exited")
def test_words_find_the_marks_that_the_expression_finds(text: str) -> None:
    assert marks_of(text) == [mark.span() for mark in MARK.finditer(text)]
    assert has_words(text) or not MARK.search(text)


NUMBERS = st.sampled_from(["3", "48.25", "0", "1e3", "-1", "٣", "1234567890123"])
TAILS = ["", "\t", " \t", "\n", "\nXRAY TraceId: 1-2", "\tStatus: timeout", "\nStatus: timeout", "\\nStatus: error",
         "\tInit Dur", "\n\\nStatus: error", "\n Init Duration: 5 ms", "\tRestore Duration: 7 ms",
         "\r\n", " END RequestId: a"]  # fmt: skip


# A blank more than usual leaves the way for usual lines, and changes nothing.
@pytest.mark.parametrize("tail", TAILS)
@settings(max_examples=10)
@given(
    numbers=st.lists(NUMBERS, min_size=4, max_size=4), init=st.sampled_from(["", "\tInit Duration: 5.5 ms"])
)
@example(numbers=["3", "3", "128", "30"], init="")
@example(numbers=["3", "3", "128", "30"], init="\tInit Duration: 5.5 ms")
def test_a_usual_report_is_read_as_any_other(tail: str, numbers: list[str], init: str) -> None:
    duration, billed, memory, used = numbers
    rest = f"\tDuration: {duration} ms\tBilled Duration: {billed} ms\tMemory Size: {memory} MB"
    rest += f"\tMax Memory Used: {used} MB"

    def read(line: str) -> object:
        try:
            return parse_report_line(line)
        except TraceError as error:
            return str(error)

    usual, other = (read(f"REPORT RequestId:{blanks}{REQUEST}{rest}{init}{tail}") for blanks in (" ", "  "))
    assert usual == other


def line(ms: int) -> str:
    return (
        f"2026-01-01T00:00:00Z REPORT RequestId: {REQUEST}\tDuration: {ms} ms\tBilled Duration: {ms} ms\t"
        "Memory Size: 128 MB\tMax Memory Used: 30 MB\n"
    )


def test_every_pass_gives_the_same_and_notices_another_file(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text(line(5) + line(5) + line(7))
    trace = read_report_logs(path)
    again = pickle.loads(pickle.dumps(trace))  # noqa: S301
    passes = [trace.frame(), trace.frame(), again.frame(), again.frame()]
    assert all(table.equals(passes[0]) for table in passes)
    assert trace.report() == read_report_logs(path).report()
    assert trace.report().repeated == 1
    path.write_text(line(5))
    for _ in range(2):
        with pytest.raises(TraceError, match="changed"):
            trace.frame()


def test_a_table_that_was_kept_is_not_given_for_another_file(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text(line(5))
    trace = read_report_logs(path)
    path.write_text(line(5) + line(7))
    with pytest.raises(TraceError, match="changed"):
        trace.frame()
