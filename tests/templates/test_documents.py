"""Files from outside: what is read, and what one error says of the rest."""

import json
import time

import pytest

from lambdasim.errors import TemplateError
from lambdasim.templates.documents import parse_document


def test_short_tags_say_what_their_long_form_says() -> None:
    text = """
    a: !Ref Orders
    b: !GetAtt Orders.Outputs.QueueArn
    c: !Sub "${Orders}-x"
    d: !Join [",", [!Ref A, "b"]]
    e: !If [IsProd, 512, 128]
    f: !Condition IsProd
    g: {Fn::Transform: {Name: AWS::Include}}
    """
    assert parse_document(text, "t.yaml").data == {
        "a": {"Ref": "Orders"},
        "b": {"Fn::GetAtt": ["Orders", "Outputs.QueueArn"]},
        "c": {"Fn::Sub": "${Orders}-x"},
        "d": {"Fn::Join": [",", [{"Ref": "A"}, "b"]]},
        "e": {"Fn::If": ["IsProd", 512, 128]},
        "f": {"Condition": "IsProd"},
        "g": {"Fn::Transform": {"Name": "AWS::Include"}},
    }


def test_dates_and_account_numbers_stay_text() -> None:
    document = parse_document(
        "Version: 2012-10-17\nAccount: 012345678901\nTime: 12:30\nSize: 512\nOn: yes\n", "t.yaml"
    )
    assert document.data == {
        "Version": "2012-10-17",
        "Account": "012345678901",
        "Time": "12:30",
        "Size": 512,
        "On": True,
    }


def test_a_key_given_twice_is_remarked_and_the_last_used() -> None:
    document = parse_document("a:\n  Handler: one\n  Handler: two\n", "t.yaml")
    assert document.data == {"a": {"Handler": "two"}}
    assert document.remarks == [(3, "key Handler is given twice; the last is used")]
    document = parse_document('{"a": 1, "b": 2, "a": 3}', "t.json")
    assert document.data == {"a": 3, "b": 2}
    assert [text for _, text in document.remarks] == ["key a is given twice; the last is used"]


def test_anchors_and_merge_keys_are_written_out() -> None:
    text = "base: &base {Timeout: 5, MemorySize: 256}\na:\n  <<: *base\n  Timeout: 9\nb: *base\n"
    document = parse_document(text, "t.yaml")
    assert document.data["a"] == {"Timeout": 9, "MemorySize": 256}
    assert document.data["b"] == {"Timeout": 5, "MemorySize": 256}
    assert document.remarks == []


def test_utf16_and_byte_order_marks_are_read() -> None:
    assert parse_document("a: ü\n".encode("utf-16"), "t.yaml").data == {"a": "ü"}
    assert parse_document(b"\xef\xbb\xbf" + b'{"a": 1}', "t.json").data == {"a": 1}


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + k)}: &{chr(98 + k)} [{', '.join([f'*{chr(97 + k)}'] * 10)}]\n" for k in range(9)
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "t: is empty"),
        ("a: [1, 2", "t:2: is not YAML"),
        ("a: 1\nb\nc: 2\n", "t:"),
        ("a:\n\t- 1\n", "t:2: is not YAML"),
        ('{"a": [1, 2', "t:1: is not JSON"),
        ('{"a": 1} {"b": 2}', "t:1: is not JSON: something follows the end"),
        (
            "a: !!python/object/apply:os.system [ls]\n",
            "t:1: tag tag:yaml.org,2002:python/object/apply:os.system",
        ),
        ("a: !python/name:os.system x\n", "t:1: tag !python/name:os.system is not allowed"),
        ("a: &a [*a]\n", "has no anchor before it"),
        ("--- 1\n--- 2\n", "t:2: must hold one document"),
        ("? [a, b]\n: 1\n", "a key must be a word"),
        ("[" * 100_000, "deeper than 100"),
        ("- " * 5_000 + "1\n", "deeper than 100"),
        ("{" * 200 + "}" * 200, "t:1: "),
        (BOMB, "aliases written out"),
        (json.dumps({"a": 1})[:-1], "is not JSON"),
        (b"\xff\xfa\x00", "must be UTF-8 text, byte 0 is not"),
        (b"PK\x03\x04\x00\x01", "is not YAML: has a control character"),
    ],
)
def test_one_error_says_what_is_wrong(text: str | bytes, told: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse_document(text, "t")
    assert told in str(caught.value)
    assert len(caught.value.faults) == 1


def chain(length: int) -> str:
    """Write lists that lie in one another by aliases alone; in each line there is one level."""
    return "x0: &x0 [1]\n" + "".join(f"x{n}: &x{n} [*x{n - 1}]\n" for n in range(1, length))


def test_depth_is_bounded_with_aliases_written_out() -> None:
    """A hundred levels, the outermost mapping among them."""
    data = parse_document(chain(99), "t").data
    for _ in range(98):
        (data,) = data["x98"] if isinstance(data, dict) else data
    assert data == [1]
    for more in ("", "y: {z: *x98}\n", "y: &y {<<: {z: *x98}}\n"):
        with pytest.raises(TemplateError, match=r"t:\d+: is nested deeper than 100, aliases written out"):
            parse_document(chain(100 - bool(more)) + more, "t")


def test_size_is_bounded_with_aliases_written_out() -> None:
    """Three million keys and values: ten of a thousand thousands are refused as soon as they are counted, unbuilt."""
    thousand = f"a: &a [{', '.join(['x'] * 1_000)}]\nb: &b [{', '.join(['*a'] * 1_000)}]\n"
    begun = time.process_time()
    parse_document(thousand + "c: *b\n", "t")
    with pytest.raises(
        TemplateError, match=r"t:3: must have at most 3,000,000 keys and values, aliases written out"
    ):
        parse_document(thousand + f"c: [{', '.join(['*b'] * 10)}]\n", "t")
    assert time.process_time() - begun < 5


def test_numbers_beyond_reason_stay_text() -> None:
    for text in ('{"a": ' + "9" * 5_000 + "}", "a: " + "9" * 5_000 + "\n", '{"a": 1e999}', "a: 1e999\n"):
        assert isinstance(parse_document(text, "t").data["a"], str)
