"""The command ``skelbench``, and ``python -m skelbench``: signals first, then what takes time to import."""

from __future__ import annotations

from skelbench.host import stopping


def main() -> None:
    """Run the command line; a signal while it starts up ends it as one does later."""
    try:
        stopping.install()
        from skelbench.cli.app import main as command

        command()
    except KeyboardInterrupt:
        stopping.leave()


if __name__ == "__main__":
    main()
