"""Published runs: every name follows from the spec beside the record, and documented commands make them."""

from __future__ import annotations

import re
import shlex
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from skelbench.check.checked import Checked
from skelbench.check.spec import check_architecture, check_spec
from skelbench.engine.fusion import fused_hash
from skelbench.engine.identity import SCHEME, defining_hash, run_hash
from skelbench.host.registry import load_registry
from skelbench.leaderboard.reproduce import Wanted, recipes, spec_file
from skelbench.results.record import Record
from skelbench.results.store import run_name
from skelbench.spec.resolve import load_spec

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = ROOT / "leaderboards"
RECORDS = {path.stem: Record.read(path) for path in sorted((PUBLISHED / "records").glob("*.json"))}
FUSED = {name: record for name, record in RECORDS.items() if record.fusion}
RUNS = {name: record for name, record in RECORDS.items() if not record.fusion}
WANTED = Wanted(PUBLISHED, data=Path("data"))


@cache
def checked(spec: str, profile: str | None = None, sets: tuple[str, ...] = ()) -> Checked:
    return check_spec(load_spec(spec, profile=profile, sets=sets), load_registry())


def given(spec: Checked, words: list[str]):
    return (
        check_architecture(spec, load_registry(), words[words.index("--arch") + 1])
        if "--arch" in words
        else None
    )


def names_made(words: list[str]) -> set[str]:
    """The names of all runs that a command makes."""
    words = words[2:] if words[0] == "--threads" else words
    values = [(word, value) for word, value in pairwise(words) if word.startswith("--")]
    profile, seed = dict(values).get("--profile"), int(dict(values).get("--seed", "0"))
    sets = tuple(value for word, value in values if word == "--set")
    spec = checked(words[1], profile, sets)
    if words[0] == "train" or not spec.spec.stages:
        arch = given(spec, words)
        name = f"{spec.spec.name}.{arch.name}" if arch else spec.spec.name
        return {run_name(name, run_hash(spec, arch, synthetic=False), seed)}
    made = set()
    for stage in spec.spec.stages:
        for stream in stage.streams or (spec.spec.data.stream,):
            changes = () if stream == spec.spec.data.stream else ("--set", f"data.stream={stream}")
            for arch in stage.train:
                made |= names_made(["train", words[1], "--arch", arch, *changes, "--seed", str(seed)])
    return made


def test_records_have_the_names_of_their_runs():
    assert RECORDS
    assert {name: record.run for name, record in RECORDS.items()} == {name: name for name in RECORDS}


@pytest.mark.parametrize("name", RUNS)
def test_a_name_follows_from_the_spec_beside_the_record(name):
    record = RECORDS[name]
    assert record.identity is not None
    assert record.origin is not None
    file = spec_file(PUBLISHED, record)
    spec = checked(str(file))
    assert spec.resolved.digest == record.origin.spec
    words = list(record.origin.command)
    if "architecture.yaml" in words:
        words[words.index("architecture.yaml")] = str(
            PUBLISHED / "architectures" / f"{record.architecture}.yaml"
        )
    arch = given(spec, words)
    assert record.identity.scheme == SCHEME
    assert record.identity.hash == run_hash(spec, arch, record.synthetic)
    assert record.spec_hash == defining_hash(spec, arch)
    stem = name.removesuffix(f"-{record.identity.hash[:8]}-{record.seed}")
    assert run_name(stem, record.identity.hash, record.seed) == name
    if arch is not None:
        assert arch.hash.startswith(record.architecture)
    for former in record.identity.former:
        assert former == run_name(stem, run_hash(spec, arch, record.synthetic, scheme=1), record.seed)


@pytest.mark.parametrize("name", FUSED)
def test_the_name_of_a_fusion_follows_from_its_parts(name):
    record = RECORDS[name]
    hashed = fused_hash([(RECORDS[part], weight) for part, weight in record.fusion.items()], record.fused_of)
    assert record.identity is not None
    assert record.identity.hash == record.spec_hash == hashed
    assert name.endswith(f"-{hashed[:8]}-{record.seed}")


@pytest.mark.parametrize("name", RECORDS)
def test_the_command_to_reproduce_a_record_makes_its_name(name):
    (recipe,) = recipes(name, WANTED)
    made = set().union(*(names_made(list(words)) for words in recipe.commands if words[0] != "fuse"))
    assert made == (set(RECORDS[name].fusion) or {name})


def test_a_published_run_is_found_by_the_name_that_it_had():
    former = [(old, name) for name, record in RECORDS.items() for old in record.identity.former]
    assert former
    for old, name in former:
        assert [recipe.record.run for recipe in recipes(old, WANTED)] == [name]


def test_every_spec_and_architecture_that_is_published_belongs_to_a_record():
    specs = {spec_file(PUBLISHED, record) for record in RUNS.values()}
    assert set((PUBLISHED / "specs").iterdir()) == specs
    found = {record.architecture for record in RUNS.values()}
    assert {path.stem for path in (PUBLISHED / "architectures").iterdir()} <= found


def documented() -> list[tuple[str, str]]:
    """Commands in the documentation that run on real recordings, with their seeds: page, command."""
    found = []
    for page in ("README.md", "docs/results.md"):
        for block in re.findall(r"```bash\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.S):
            for line in block.replace("\\\n", "").splitlines():
                command, _, comment = line.partition(" # ")
                if re.match(r"skelbench (run|train) .*--data", command):
                    seeds = re.search(r"and ([\d, ]+)", comment)
                    more = re.findall(r"\d+", seeds[1]) if seeds else []
                    found += [
                        (page, command.strip()),
                        *((page, f"{command.strip()} --seed {s}") for s in more),
                    ]
    return found


@pytest.mark.parametrize(("page", "command"), documented())
def test_a_documented_command_makes_published_names(page, command, monkeypatch):
    monkeypatch.chdir(ROOT)
    made = names_made(shlex.split(command)[1:])
    assert made <= set(RECORDS), f"{page}: {command}"
