"""Modules by their former names still import, and say what they are called now."""

from __future__ import annotations

import importlib
import sys

import pytest

from skelbench.host.api_version import RENAMED_MODULES, PluginDeprecation


@pytest.mark.parametrize(("former", "name"), RENAMED_MODULES.items())
def test_a_former_name_gives_what_stands_in_today_s_module(former: str, name: str) -> None:
    sys.modules.pop(former, None)
    with pytest.warns(PluginDeprecation, match=f"'{former}' is now '{name}'"):
        old = importlib.import_module(former)
    today = importlib.import_module(name)
    public = {key: value for key, value in vars(today).items() if not key.startswith("__")}
    assert public
    assert all(getattr(old, key) is value for key, value in public.items())
    sys.modules.pop(former, None)


@pytest.mark.parametrize("former", RENAMED_MODULES)
def test_a_former_name_stands_over_nothing_public(former: str) -> None:
    """An imported module becomes an attribute of its package, where a function of that name would be lost."""
    package, _, name = former.rpartition(".")
    assert name not in getattr(importlib.import_module(package), "__all__", ())


def test_other_names_are_as_unknown_as_ever() -> None:
    with pytest.raises(ModuleNotFoundError, match="never_there"):
        importlib.import_module("skelbench.never_there")
