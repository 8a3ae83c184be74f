"""The strict YAML of specs."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.errors import SpecError
from skelbench.spec.yaml import dump_yaml, load_yaml


def load(text: str) -> Any:
    return load_yaml(text, "a.yaml")[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("6e-4", 6e-4),
        (".5", 0.5),
        ("12", 12),
        ("-3", -3),
        ("012", 12),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2020-01-01", "2020-01-01"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("0x10", "0x10"),
        ("1.2.3", "1.2.3"),
        ("tRUE", "tRUE"),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: Any):
    loaded = load(f"a: {text}")["a"]
    assert loaded == value
    assert type(loaded) is type(value)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "the key 'a' stands twice, first at a.yaml:1"),
        ("a:\n  b: 1\n  c: {d: 1, d: 2}\n", 3, "the key 'd' stands twice, first at a.yaml:3"),
        ("x: &x {a: 1}\ny:\n  <<: *x\n", 3, "merge keys"),
        ("a: 1\nb:\n\t- c\n", 3, "cannot start any token. Indent with spaces"),
        ("a: [1, 2\nb: 3\n", 2, "not YAML"),
        ("a: *nowhere\n", 1, "undefined alias"),
        ("a: &a [1, *a]\n", 1, "an alias stands inside what it names"),
        ("a: 1\n---\nb: 2\n", 2, "but found another document"),
        ("a: 1\n? [b, c]\n: 2\n", 2, "a key must be a word"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, "tags such as"),
        ("a: !!str 5\n", 1, "tags such as"),
        ("a: 1\nb: !mine {c: 1}\n", 2, "tags such as"),
        ("a: 1\nb: 1e999\n", 2, "too large"),
        ("a: 1\nb: " + "9" * 5000 + "\n", 2, "too large"),
        ("a: 1\nb: \x00\n", 2, "it holds the character 0x0"),
        ('a: 1\nb: "\\ud800"\n', 2, "surrogate"),
        ("a: 1\nb: " + "[" * 5000, 2, "nested deeper"),
    ],
)
def test_what_is_refused_says_its_line_on_one_line(text: str, line: int, what: str):
    with pytest.raises(SpecError) as error:
        load(text)
    assert str(error.value).startswith(f"a.yaml:{line}: ")
    assert what in str(error.value)
    assert "\n" not in str(error.value)


def test_aliases_cannot_blow_a_small_file_up():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(SpecError, match="grows too large through its aliases"):
        load("\n".join(lines))


def test_marks_give_the_line_of_every_value_also_inside_aliases():
    _, marks = load_yaml("a: &a\n  b: [1,\n      2]\nc:\n  *a\n", "f.yaml")
    assert marks.at(("a", "b", 1)) == "f.yaml:3"
    assert marks.at(("c",)) == "f.yaml:4"
    assert marks.at(("c", "b", 1)) == "f.yaml:3"
    assert marks.at(("a", "missing", "key")) == "f.yaml:1"


def test_an_empty_document_is_nothing():
    assert load("# only a comment\n") is None


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.sampled_from(
        ["no", "1e-3", "<<", "~", "", "012", "- a", "a: b", "#", "2020-01-01", "{i}", "*x", "!x"]
    )
)
keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["no", "1", "<<", "null"]
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(keys, values, max_size=4))
def test_what_is_dumped_loads_back_the_same(data: dict[str, Any]):
    text = dump_yaml(data)
    assert repr(load(text)) == repr(data)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_every_digit(number: float):
    loaded = load(dump_yaml({"a": number}))["a"]
    assert loaded == number
    assert math.copysign(1, loaded) == math.copysign(1, number)


@pytest.mark.parametrize("text", ['a: "\\ud800"', '"\\ud800": 1'])
def test_half_a_character_is_refused_in_values_and_keys(text: str):
    with pytest.raises(SpecError, match="half a character"):
        load_yaml(text, "a.yaml")
