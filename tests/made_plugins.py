"""Many installed plugins, made for tests of how long a start takes and what it imports."""

from __future__ import annotations

from pathlib import Path

COUNT = 50
PLUGIN = '''"""What the plugin registers."""

from skelbench import hookimpl
from skelbench.components import Metric, Operator, Params


class MadeParams(Params):
    """Parameters of ``made{number}.scale``.

    Attributes:
        start: A number.
    """

    start: float = 1.0


@hookimpl
def register_operators():
    target = "made{number}_heavy:Scale"
    return [Operator(name="made{number}.scale", summary="Made up", target=target, params=MadeParams)]


@hookimpl
def register_metrics():
    return [Metric(name="made{number}.half", summary="Made up", target="made{number}_heavy:half")]
'''
HEAVY = '"""What would take its time."""\n\nimport torch\n'


def install_many(folder: Path) -> tuple[str, ...]:
    """Distributions as an installer leaves them, each with a module that is heavy.

    Args:
        folder: Where; it must be on the path.

    Returns:
        Names of the heavy modules.
    """
    for number in range(COUNT):
        info = folder / f"made{number}-0.1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: made{number}\nVersion: 0.1.0\n")
        (info / "entry_points.txt").write_text(f"[skelbench]\nmade{number} = made{number}_plugin\n")
        (folder / f"made{number}_plugin.py").write_text(PLUGIN.replace("{number}", str(number)))
        (folder / f"made{number}_heavy.py").write_text(HEAVY)
    return tuple(f"made{number}_heavy" for number in range(COUNT))
