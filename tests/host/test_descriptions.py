"""Whatever a plugin says of its components: they are listed, or the plugin is left out with the reason."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from skelbench import hookimpl
from skelbench.cli import list as listing
from skelbench.cli.app import app
from skelbench.components import KINDS, Column, Component
from skelbench.errors import SkelbenchError
from skelbench.host.plugins import load_plugins
from skelbench.host.registry import Registry, load_registry

SOUND = {
    kind: [replace(entry.component, name="mine") for entry in load_registry().entries(kind)] for kind in KINDS
}
SOUND["column"] = [Column(name="mine", target=len)]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=8),
    st.sampled_from(["", "a:b", ":", "\x1b[2J", "=1+1", "../../x", "\ud800", "x" * 5000, "os:abort", b"x"]),
    st.lists(st.one_of(st.integers(-3, 40), st.text(max_size=3)), max_size=4),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.just(Exception),
    st.just(print),
)


class Stranger:
    """A plugin with one component.

    Args:
        component: The component.
    """

    def __init__(self, component: Component) -> None:
        hook = listing_hook(component.kind)
        setattr(self, hook, hookimpl(lambda: [component], specname=hook))


def listing_hook(kind: str) -> str:
    """The hook by which components of a kind are registered."""
    return f"register_{kind.removesuffix('y')}ies" if kind.endswith("y") else f"register_{kind}s"


@st.composite
def described(draw: st.DrawFn, kind: str) -> Component:
    """A built-in component of which up to three fields say something odd."""
    base = draw(st.sampled_from(SOUND[kind]))
    names = [own.name for own in fields(base)]
    changed = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
    return replace(base, **{name: draw(ODD) for name in changed})


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_odd_descriptions_are_listed_or_told(kind: str, data: st.DataObject) -> None:
    component: Any = data.draw(described(kind))
    registry = Registry(load_plugins([("stranger", Stranger(component))]))
    told = next(plugin.error for plugin in registry.plugins if plugin.name == "stranger")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "load_registry", lambda: registry)
        for arguments in (["list", kind], ["list", kind, "--json"], *([] if told else [one(component)])):
            done = CliRunner().invoke(app, arguments)
            assert done.exception is None or isinstance(done.exception, SkelbenchError | SystemExit)
            assert not {"\x1b", "\x00", "\x07"} & set(done.output + str(done.exception)), arguments


def one(component: Component) -> list[str]:
    """The command that explains a component."""
    return ["list", component.kind, component.name]
