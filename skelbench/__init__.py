"""skelbench: benchmarks for neural architecture search on human-action recognition."""

from skelbench.hookspecs import hookimpl

__version__ = "0.1.0"
__all__ = ["__version__", "hookimpl"]
