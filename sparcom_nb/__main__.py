"""``python -m sparcom_nb``: the command line."""

from sparcom_nb.cli import main

main()
