"""``python -m skelbench`` is the command ``skelbench``."""

from skelbench.cli import main

main()
