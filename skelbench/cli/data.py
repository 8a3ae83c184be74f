"""``skelbench data``: verify, convert and make up recordings; what is heavy is imported by its function."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelbench.cli.data_report import report, show_report
from skelbench.cli.options import Json
from skelbench.components import Dataset
from skelbench.errors import DataError, did_you_mean
from skelbench.host.registry import load_registry

if TYPE_CHECKING:
    from skelbench.data import Recordings

app = typer.Typer(
    help="Verify, convert and make up recordings. Example: skelbench data check ucla DATA/nw-ucla",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(help="Data set, such as ucla, or a file that describes data.")]
Root = Annotated[Path, typer.Argument(help="Raw or prepared files, or a store.")]
Params = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="NAME=VALUE", help="A parameter of the data set; may be given often."),
]
Decode = Annotated[bool, typer.Option("--decode", help="Of videos: decode every frame, to find all damage.")]


@app.command(epilog="Example: skelbench data check ucla DATA/nw-ucla --json")
def check(
    dataset: Name,
    root: Annotated[Path | None, typer.Argument(help="Raw or prepared files, or a store.")] = None,
    protocol: Annotated[str | None, typer.Option(help="Protocol; the data set's first by default.")] = None,
    param: Params = None,
    decode: Decode = False,
    every: Annotated[
        bool, typer.Option("--list", help="Name every missing video, not only how many.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Count recordings by split and class, compare with the complete data set, print the fingerprint.

    Damaged videos are named and missing ones counted; with damaged ones the command fails.
    """
    component, root = _described(dataset, root, param)
    chosen = protocol or component.protocols[0]
    if chosen not in component.protocols:
        raise DataError(
            f"'{dataset}' has no protocol '{chosen}'", remedy=did_you_mean(chosen, component.protocols)
        )
    from skelbench.data.open import EMPTY_PART
    from skelbench.data.video.packets import MISSING

    recordings = _recordings(component, root, chosen, decode)
    found = report(recordings, component.reader(), chosen)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        show_report(found, every)
    for part, count in (("train", found.train), ("test", found.test)):
        if not count:
            raise DataError(
                f"no recording is in the {part} split of '{chosen}'", where=root, remedy=EMPTY_PART
            )
    damaged = [line for line in found.unusable if not line.endswith(MISSING)]
    if damaged:
        what = f"{len(damaged)} videos are damaged"
        raise DataError(what, where=root, remedy="Fetch them again, or set data.video.skip_broken")


@app.command(epilog="Example: skelbench data describe recordings > my.yaml")
def describe(
    path: Annotated[Path, typer.Argument(help="A folder of recordings, or one file that holds them.")],
) -> None:
    """Print the YAML that reads recordings of your own, with what could not be decided as comments."""
    _must_exist(path)
    registry = load_registry()
    for entry in registry.entries("dataset"):
        component = entry.component
        if not isinstance(component, Dataset) or not component.describer:
            continue
        if text := replace(component, target=component.describer).make(path):
            typer.echo(text, nl=False)
            return
    remedy = "docs/own-data.md says what is read; any other form is a plugin's (plugins/README.md)"
    raise DataError("nothing here is of a form that can be read by parameters", where=path, remedy=remedy)


@app.command(epilog="Example: skelbench data prepare ucla DATA/nw-ucla ucla.store --preprocess sgcn")
def prepare(
    dataset: Name,
    root: Root,
    out: Annotated[Path, typer.Argument(help="The store to make; of videos, a folder for their index.")],
    preprocess: Annotated[str, typer.Option(help="Pre-processing of whole recordings.")] = "none",
    workers: Annotated[int, typer.Option(min=1, help="Processes that read.")] = 1,
    param: Params = None,
    decode: Decode = False,
) -> None:
    """Convert raw files to a store, which opens at once; a run that was interrupted goes on.

    Videos stay where they are: an index says how long and how large each is, and which are damaged. Runs look
    for it in the folder .stores of their runs (runs/.stores).
    """
    from skelbench.console import Screen
    from skelbench.data import open_store, write_store
    from skelbench.data.border import Border
    from skelbench.data.lock import one_at_a_time

    component, _ = _described(dataset, root, param)
    _must_exist(root)
    if component.modality == "video":
        if preprocess != "none":
            raise DataError(f"videos have no pre-processing '{preprocess}'", remedy="Leave out --preprocess")
        _index(component, root, out, decode)
        return
    layout = load_registry().layout_of(component)
    with one_at_a_time(out, keep=False), Screen().count(f"preparing {component.name}") as progress:
        write_store(
            out,
            component,
            Border(component, layout).reader(),
            root,
            preprocess=preprocess,
            layout=layout,
            workers=workers,
            progress=progress,
        )
    typer.echo(f"{out}: {len(open_store(out))} recordings")


@app.command(epilog="Example: skelbench data synth ucla made-up --clips 600 --classes 4")
def synth(
    dataset: Name,
    out: Annotated[Path, typer.Argument(help="Folder to fill; must be empty or absent.")],
    clips: Annotated[int, typer.Option(min=1, help="Recordings.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Seed.")] = 0,
    classes: Annotated[int | None, typer.Option(min=2, help="Only the first so many classes.")] = None,
    param: Params = None,
) -> None:
    """Write synthetic recordings in the data set's own raw format, or as a store where it has none."""
    from skelbench.data.made import synthesise

    component, _ = _described(dataset, out, param)
    if classes is not None and classes > component.classes:
        raise DataError(f"'{dataset}' has {component.classes} classes, not {classes}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError("is not an empty folder", where=out, remedy="Choose another place")
    made = out.with_name(f"{out.name}.partial")
    shutil.rmtree(made, ignore_errors=True)
    try:
        layout = load_registry().layout_of(component)
        synthesise(component, layout, made, clips=clips, seed=seed, classes=classes)
        made.replace(out)
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror or error}", where=out) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    typer.echo(f"{out}: {clips} synthetic recordings of {component.name}")


def _component(name: str, params: list[str] | None) -> Dataset:
    """The data set with parameters given as ``NAME=VALUE``, each value as a spec would have it."""
    from skelbench.spec.data_file import with_layouts
    from skelbench.spec.params import validated_params
    from skelbench.spec.yaml import Marks, load_yaml

    component: Dataset = load_registry().get("dataset", name)
    given = {}
    for text in params or ():
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise DataError(f"'{text}' is not of the form NAME=VALUE", where="--param")
        given[key] = load_yaml(value, "--param")[0]
    given = with_layouts({"data": {"dataset": given}}, Path())["data"]["dataset"]
    valid, problems = validated_params(component, given, Marks(), ())
    if problems:
        raise DataError.of(problems)
    return component.with_params(valid)


def _described(name: str, root: Path | None, params: list[str] | None) -> tuple[Dataset, Path]:
    """The data set and the place of its recordings, by name or by a file that describes both."""
    from skelbench.spec.data_file import is_data_file, load_data_file
    from skelbench.spec.params import validated_params

    if not is_data_file(Path(name)):
        if root is None:
            raise DataError("no recordings are given", where=name, remedy="Say where they are")
        return _component(name, params), root
    data, marks = load_data_file(Path(name))
    given = {"name": data["dataset"]} if isinstance(data["dataset"], str) else dict(data["dataset"])
    found: Dataset = load_registry().get("dataset", str(given.pop("name", "")))
    valid, problems = validated_params(found, given, marks, ("data", "dataset"))
    if problems:
        raise DataError.of(problems)
    return found.with_params(valid), root or Path(data["root"])


def _recordings(component: Dataset, root: Path, protocol: str, decode: bool) -> Recordings:
    from skelbench.console import Screen
    from skelbench.data import is_store, open_clips, open_store, open_videos
    from skelbench.recipe import VideoOptions

    _must_exist(root)
    if component.modality == "video":
        every = VideoOptions(frames=1, skip_broken=True)
        with Screen().count(f"reading {component.name}") as progress:
            return open_videos(component, root, protocol, every, progress=progress, decode=decode)
    if is_store(root):
        clips = open_store(root, deep=True)
        if clips.dataset != component.name:
            raise DataError(f"the store holds '{clips.dataset}', not '{component.name}'", where=root)
        return clips
    with Screen().count(f"reading {component.name}") as progress:
        layout = load_registry().layout_of(component)
        return open_clips(component, root, preprocess="none", layout=layout, progress=progress)


def _index(component: Dataset, root: Path, cache: Path, decode: bool) -> None:
    """Look into every video that any protocol lists, and keep what is found in ``cache``."""
    from skelbench.console import Screen
    from skelbench.data import open_videos
    from skelbench.recipe import VideoOptions

    every = VideoOptions(frames=1, skip_broken=True)
    with Screen().count(f"preparing {component.name}") as progress:
        for protocol in component.protocols:
            found = open_videos(
                component, root, protocol, every, cache=cache, progress=progress, decode=decode
            )
            typer.echo(f"{protocol}: {len(found)} videos, {len(found.left_out)} missing or damaged")


def _must_exist(root: Path) -> None:
    if not root.exists():
        raise DataError("no such file or folder", where=root)
