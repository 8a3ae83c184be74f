"""Faults of a spec are told in skelbench's own words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from skelbench.errors import SpecError, fault_in_words
from skelbench.spec.schema import Spec, validate
from skelbench.spec.yaml import Marks

FOREIGN = re.compile(r"Input should|unable to parse|valid (integer|string|number)|Value error|instance of")
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(),
    st.text(max_size=3),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
KEYS = st.sampled_from(["", "epochs", "name", "dataset", "clip"])


@given(st.sampled_from(sorted(Spec.model_fields)), JUNK, KEYS)
def test_no_word_of_the_library_that_validates_reaches_the_user(key: str, value: Any, inner: str) -> None:
    data = {"skelbench": 1, "name": "x", "data": {"dataset": "ucla"}, key: {inner: value} if inner else value}
    told = ""
    try:
        validate(data, Marks())
    except SpecError as error:
        told = str(error)
    assert not FOREIGN.search(told)


@pytest.mark.parametrize(
    ("type_", "value", "words"),
    [
        (int, "x", "must be a whole number"),
        (int, 1.5, "must be a whole number"),
        (float, "x", "must be a number"),
        (bool, "perhaps", "must be true or false"),
        (str, 1, "must be text"),
        (list[int], 1, "must be a list"),
        (dict[str, int], 1, "must be a mapping"),
    ],
)
def test_a_type_is_named_as_people_name_it(type_: Any, value: Any, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(type_).validate_python(value)
    assert fault_in_words(caught.value.errors()[0]) == words
