"""What does not fit the recordings is told of a spec's own data, and falls back on other data, each said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skelbench.check.fit import fit_to_data, sets_dataset
from skelbench.check.spec import check_spec
from skelbench.errors import SpecError
from skelbench.host.registry import Registry
from skelbench.spec.resolve import Resolved, load_spec

OWN = """\
data:
  dataset:
    name: skeletons
    files: a{label}.txt
    layout: coco17
    classes: 3
    channels: [x, y]
    split: {share: 0.5}
"""


def described(folder: Path, text: str = OWN) -> Path:
    path = folder / "own.yaml"
    path.write_text(text)
    return path


def test_a_shipped_space_fits_itself_to_own_data(tmp_path: Path, registry: Registry) -> None:
    found = fit_to_data(load_spec("sgcn", data=described(tmp_path)), registry)
    checked = check_spec(found, registry)
    assert checked.clip_shape() == (1, 2, 300, 17, 1)
    assert checked.protocol == "share"
    assert checked.dataset.classes == 3
    data, train = found.spec.data, found.spec.train
    assert (data.preprocess, data.clip.normalise, data.clip.persons) == ("none", "minmax_recording", 1)
    assert train.validation.by == "random"
    assert data.root == str(tmp_path)
    told = " | ".join(found.notes)
    for word in ("preprocess: none", "clip.persons: 1", "validation.by: random"):
        assert word in told


def test_what_a_run_stores_is_the_same_spec(tmp_path: Path, registry: Registry) -> None:
    found = fit_to_data(load_spec("sgcn", data=described(tmp_path)), registry)
    stored = tmp_path / "spec.yaml"
    stored.write_text(found.dump())
    assert load_spec(stored).hash == found.hash
    check_spec(load_spec(stored), registry)


@pytest.mark.parametrize("name", ["sgcn", "sgn", "esan", "sarnas", "baselines-ucla", "modern"])
def test_shipped_spaces_take_own_data(tmp_path: Path, registry: Registry, name: str) -> None:
    check_spec(fit_to_data(load_spec(name, data=described(tmp_path)), registry), registry)


def test_another_data_set_by_set_falls_back_too(registry: Registry) -> None:
    sets = ["data.dataset=shrec17-14"]
    assert sets_dataset(sets)
    found = fit_to_data(load_spec("sgcn", sets=sets), registry)
    assert check_spec(found, registry).protocol == "official"
    assert any(note.startswith("protocol 'official' for 'xview'") for note in found.notes)


def test_what_fits_stays_as_it_is(tmp_path: Path, registry: Registry) -> None:
    own = (
        OWN.replace("coco17", "msr20")
        .replace("    channels: [x, y]\n", "")
        .replace("a{label}", "a{label}_s{subject}")
    )
    found = fit_to_data(load_spec("sgcn", data=described(tmp_path, own)), registry)
    assert found.spec.data.preprocess == "sgcn"
    assert [note.partition(":")[0] for note in found.notes] == ["clip.persons"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["data.preprocess=sgcn"], "pre-processing 'sgcn' turns or scales in space"),
        (["data.preprocess=hand"], "pre-processing 'hand'"),
        (["data.preprocess=kinetics2d"], "takes x, y and a score"),
        (["train.augment.rotate=[5, 5, 5]"], "'rotate' rotates in space"),
        (["search.train.augment.rotate=[5, 5, 5]"], "'rotate' rotates in space"),
        (["data.clip.persons=2"], "a clip of 2 persons"),
        (["train.validation.by=subject"], "validation holds out performers"),
    ],
)
def test_check_tells_what_declared_facts_tell(
    tmp_path: Path, registry: Registry, changes: list[str], told: str
) -> None:
    fitted = fit_to_data(load_spec("sgcn", data=described(tmp_path)), registry)
    stored = tmp_path / "spec.yaml"
    stored.write_text(fitted.dump())
    with pytest.raises(SpecError, match=told) as error:
        check_spec(load_spec(stored, sets=changes), registry)
    assert all(problem.remedy and problem.where for problem in error.value.problems)


def test_a_move_in_the_image_needs_an_image(registry: Registry) -> None:
    with pytest.raises(SpecError, match=r"'move' moves in the image plane, and joints .* have 3"):
        check_spec(load_spec("sgcn", sets=["train.augment.move=true"]), registry)


def test_a_layout_may_stand_in_a_file_beside(tmp_path: Path, registry: Registry) -> None:
    (tmp_path / "stick.yaml").write_text("joints: [a, b, c]\nbones: [[a, b], [b, c]]\n")
    found = load_spec("sgcn", data=described(tmp_path, OWN.replace("coco17", "stick.yaml")))
    checked = check_spec(fit_to_data(found, registry), registry)
    assert checked.layout.name == "stick"
    assert checked.layout.joints == ("a", "b", "c")
    assert isinstance(found, Resolved)


def test_a_layout_in_the_spec_stands_for_the_data_sets(tmp_path: Path, registry: Registry) -> None:
    base = "skelbench: 1\nextends: sgcn\nname: own\ndata:\n  dataset: ucla\n  protocol: xview\n"
    clip = "  clip: {persons: 1}\n"
    bones = [[n, n + 1] for n in range(19)]
    spec = tmp_path / "s.yaml"
    spec.write_text(f"{base}{clip}  preprocess: none\n  layout: {{joints: 20, bones: {bones}}}\n")
    assert check_spec(load_spec(spec), registry).layout.inward[0] == (0, 1)
    spec.write_text(f"{base}{clip}  layout: {{joints: 20, bones: {bones}}}\n")
    with pytest.raises(SpecError, match="'sgcn' needs a torso, which layout 'own' does not name"):
        check_spec(load_spec(spec), registry)
    spec.write_text(f"{base}{clip}  layout: {{joints: 20, bones: []}}\n")
    with pytest.raises(SpecError, match=r"s\.yaml:8.*no bone leads"):
        load_spec(spec)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "describes no data set"),
        ("data: {root: here}", "describes no data set"),
        ("data: {root: 3, dataset: ucla}", "'data.root' is a path"),
        ("data: {dataset: ucla, stram: bone}", "unknown key 'data.stram'"),
        ("data: [", "own.yaml"),
        (OWN.replace("coco17", "no.yaml"), r"no\.yaml: the layout cannot be read"),
        (OWN.replace("classes: 3", "classes: 1"), "data set|dataset"),
    ],
)
def test_a_description_that_is_wrong_is_told(
    tmp_path: Path, registry: Registry, text: str, told: str
) -> None:
    with pytest.raises(SpecError, match=told):
        check_spec(fit_to_data(load_spec("sgcn", data=described(tmp_path, text)), registry), registry)


def test_a_description_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"none\.yaml: the description of the data cannot be read"):
        load_spec("sgcn", data=tmp_path / "none.yaml")


def test_a_wrong_parameter_is_told_with_its_line(tmp_path: Path, registry: Registry) -> None:
    wrong: Any = described(tmp_path, OWN.replace("classes: 3", "clases: 3"))
    with pytest.raises(SpecError, match=r"own\.yaml:6: .*no parameter 'clases'. Did you mean 'classes'"):
        check_spec(fit_to_data(load_spec("sgcn", data=wrong), registry), registry)
