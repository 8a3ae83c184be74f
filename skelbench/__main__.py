"""``python -m skelbench`` is the command ``skelbench``."""

from skelbench.cli.app import main

main()
