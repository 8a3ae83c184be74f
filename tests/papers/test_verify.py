"""Claims of papers beside what we compute: when they agree, when a difference is explained, all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.cli.verify import verify_paper
from skelbench.errors import RunFolderError, SkelbenchError, WorkFailed
from skelbench.leaderboard.publish import published_folder
from skelbench.papers.claims import Claim, read_paper, systems
from skelbench.papers.verify import Finding, verify

CLAIM = {
    "what": "size",
    "place": "Table 1",
    "says": "0.89",
    "compute": {"params": {"spec": "esan", "arch": "esan"}},
}


def verdict(computed, **changes):
    return Finding("x", Claim(**{**CLAIM, **changes}), computed).verdict


@given(st.floats(0, 100), st.integers(0, 4))
def test_a_number_agrees_with_its_own_print(value, digits):
    assert verdict(value, says=f"{value:.{digits}f}") == "agrees"


@given(st.integers(1, 10**18))
def test_every_digit_of_a_whole_number_counts(value):
    assert verdict(value, says=str(value)) == "agrees"
    assert verdict(value + 1, says=str(value)) == "differs"


def test_an_explanation_covers_the_difference_that_it_names_and_no_other():
    told = {"ours": "0.95", "because": "they count otherwise"}
    assert verdict(0.951, **told) == "explained"
    assert verdict(0.97, **told) == "differs"
    assert verdict(0.89, **told) == "differs", "the explanation is out of date"
    assert verdict(0.951) == "differs"


@pytest.mark.parametrize(
    "change", [{"ours": "1"}, {"because": "x"}, {"says": "many"}, {"says": "NaN"}, {"compute": {}}]
)
def test_a_faulty_claim_is_refused(change):
    with pytest.raises(ValueError, match=r"go together|no number|at least 1"):
        Claim(**{**CLAIM, **change})


def test_every_paper_agrees_or_says_why_not():
    found = list(verify(published_folder()))
    assert {one.system for one in found} == {"adasgn", "esan", "sarnas", "sgcn", "varnas"}
    assert [one.as_data() for one in found if one.verdict == "differs"] == []


def test_an_unexplained_difference_ends_with_exit_1(tmp_path, monkeypatch):
    (tmp_path / "leaderboards" / "claims").mkdir(parents=True)
    (tmp_path / "leaderboards" / "reported.yaml").write_text("reported: []\n")
    claim = "{what: size, place: here, says: '0.9', compute: {params: {spec: esan, arch: esan-directed}}}"
    text = f"publication: x\nclaims: [{claim}]\n"
    (tmp_path / "leaderboards" / "claims" / "mine.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkFailed, match="1 of 1 numbers differ: mine: size") as failed:
        verify_paper()
    assert failed.value.exit_code == 1


def test_unknown_systems_and_quantities_are_refused(tmp_path):
    with pytest.raises(SkelbenchError, match="Did you mean 'sgcn'"):
        read_paper(published_folder(), "sgnc")
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "a.yaml").write_text(
        "publication: x\nclaims:\n  - {what: size, place: here, says: '1', compute: {parms: {}}}\n"
    )
    assert systems(tmp_path) == ["a"]
    with pytest.raises(SkelbenchError, match="there is no quantity 'parms'"):
        list(verify(tmp_path))
    (tmp_path / "claims" / "a.yaml").write_text("publication: x\nclaims: [{what: size}]\n")
    with pytest.raises(RunFolderError, match=r"a\.yaml:2"):
        read_paper(tmp_path, "a")
