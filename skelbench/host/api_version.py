"""Version of the plugin API, what a plugin may say of it, and names that have changed."""

from __future__ import annotations

import re

from skelbench.errors import PluginError

PLUGIN_API = "1.0"
"""Major and minor: what is added raises the minor number, what is taken away the major one."""
DECLARATION = "skelbench_api"
"""The attribute in which a plugin may say which version it needs: ``skelbench_api = "1.0"``."""
RENAMED_HOOKS: dict[str, str] = {}
"""Former name of a hook -> its name. It goes on, with a warning, until the next major version."""
RENAMED_MODULES: dict[str, str] = {
    "skelbench.hookspecs": "skelbench.host.hookspecs",
    "skelbench.registry": "skelbench.host.registry",
    "skelbench.plugin_api": "skelbench.host.api_version",
    "skelbench.data.videos": "skelbench.data.video.dataset",
    "skelbench.data.video_cuts": "skelbench.data.video.cuts",
    "skelbench.data.video_index": "skelbench.data.video.index",
    "skelbench.data.video_lists": "skelbench.data.video.lists",
    "skelbench.data.video_loader": "skelbench.data.video.loader",
    "skelbench.data.video_packets": "skelbench.data.video.packets",
    "skelbench.data.video_write": "skelbench.data.video.write",
    "skelbench.data.frame_cache": "skelbench.data.video.cache",
    "skelbench.data.synthetic_video": "skelbench.data.video.synthetic",
}
"""Former name of a module -> its name, as for hooks."""

_VERSION = re.compile(r"(\d+)\.(\d+)")


class PluginDeprecation(DeprecationWarning):
    """A plugin uses what will be gone in the next major version of the plugin API."""


def require_api(plugin: object, origin: str) -> None:
    """Refuse a plugin that needs another version of the plugin API; one that says nothing is taken.

    Args:
        plugin: Its module or object.
        origin: Its distribution, for the remedy.

    Raises:
        PluginError: It is older or newer, or what it says is no version.
    """
    declared = getattr(plugin, DECLARATION, None)
    if declared is None:
        return
    match = _VERSION.fullmatch(declared) if isinstance(declared, str) else None
    if match is None:
        remedy = f'Write major and minor as text: {DECLARATION} = "{PLUGIN_API}"'
        raise PluginError(f"{DECLARATION} is {declared!r}, which is no version", remedy=remedy)
    needed, here = (int(match[1]), int(match[2])), tuple(map(int, PLUGIN_API.split(".")))
    what = f"it needs plugin API {declared}, and this skelbench has {PLUGIN_API}"
    if needed[0] < here[0]:
        raise PluginError(what, remedy=f"Update {origin}, or install an older skelbench")
    if needed > here:
        raise PluginError(what, remedy=f"Update skelbench, or install an older {origin}")
