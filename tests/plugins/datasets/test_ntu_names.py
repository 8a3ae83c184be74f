"""The owners' names, splits and counts."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skelbench_plugins.datasets.ntu.names import NTU60, NTU120, Edition, NtuName, class_names, missing

from skelbench.errors import DataError

numbers = st.integers(0, 999)


@given(numbers, numbers, numbers, numbers, numbers)
def test_names_read_back(setup: int, camera: int, subject: int, replication: int, action: int) -> None:
    name = NtuName(setup, camera, subject, replication, action)
    assert NtuName.parse(str(name)) == name
    assert NtuName.parse(f"{name}.skeleton") == name


@pytest.mark.parametrize(
    "text", ["", "walk", "S001C001P001R001", "S01C001P001R001A001", "S001C001P001R001A001x"]
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="no name of an NTU RGB") as told:
        NtuName.parse(text, "here/it.skeleton")
    assert told.value.problems[0].where == "here/it.skeleton"


def test_unusable_recordings_are_those_of_the_owners() -> None:
    names = [NtuName.parse(text) for text in missing()]
    assert len(names) == 535
    assert sum(name.setup <= 17 and name.action <= 60 for name in names) == 302
    assert not any(NTU60.uses(name) or NTU120.uses(name) for name in names)


def test_the_lists_of_the_owners_agree(shared_data: Path) -> None:
    text = (shared_data / "ntu-rgbd" / "NTU_RGBD120_samples_with_missing_skeletons.txt").read_text()
    assert missing() == set(text.split("procedures.")[1].split())


@pytest.mark.parametrize("edition", [NTU60, NTU120], ids=lambda edition: edition.name)
def test_published_counts_come_out_of_all_names(edition: Edition, shared_data: Path) -> None:
    listed = (shared_data / "ntu-rgbd" / f"{edition.name}_available_names.txt").read_text().split()
    names = [name for name in map(NtuName.parse, listed) if edition.uses(name)]
    for name, protocol in edition.protocols.items():
        train = edition.trains_names(names, name)
        assert (train.sum(), (~train).sum()) == protocol.expected


def test_ntu60_is_the_first_part_of_ntu120() -> None:
    early, late = NtuName(3, 1, 1, 1, 60), NtuName(18, 1, 1, 1, 60)
    assert NTU60.uses(early)
    assert not NTU60.uses(late)
    assert NTU120.uses(late)
    assert not NTU60.uses(NtuName(3, 1, 1, 1, 61))
    assert not NTU120.uses(NtuName(33, 1, 1, 1, 61))
    assert not NTU120.uses(NtuName(3, 1, 1, 1, 0))


def test_splits_follow_subject_camera_and_setup() -> None:
    names = [NtuName(1, 1, 38, 1, 1), NtuName(2, 2, 103, 1, 1), NtuName(3, 3, 3, 1, 1)]
    assert NTU60.trains_names(names, "xsub").tolist() == [True, False, False]
    assert NTU60.trains_names(names, "xview").tolist() == [False, True, True]
    assert NTU120.trains_names(names, "xsub").tolist() == [True, True, False]
    assert NTU120.trains_names(names, "xset").tolist() == [False, True, False]


def test_there_are_twenty_and_fifty_three_training_subjects() -> None:
    everyone = [NtuName(1, 1, subject, 1, 1) for subject in range(1, 107)]
    assert NTU60.trains_names(everyone, "xsub").sum() == 20
    assert NTU120.trains_names(everyone, "xsub").sum() == 53


def test_an_unknown_protocol_is_told_with_the_known_ones() -> None:
    with pytest.raises(DataError, match="Choose one of xsub, xview"):
        NTU60.protocol("xset")


def test_classes_are_named_once_each() -> None:
    names = class_names(120)
    assert len(set(names)) == 120
    assert class_names(60) == names[:60]
    assert all(name == name.strip() and name.isascii() for name in names)
    assert (names[0], names[42], names[57]) == ("drink water", "falling", "handshaking")
    assert np.char.str_len(np.array(names)).max() < 60
