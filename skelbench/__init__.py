"""skelbench: benchmarks for neural architecture search on human-action recognition."""

from skelbench.hookspecs import hookimpl
from skelbench.plugin_api import PLUGIN_API

__version__ = "0.1.0"
__all__ = ["PLUGIN_API", "__version__", "hookimpl"]
