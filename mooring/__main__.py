"""Runs the command line as ``python -m mooring``."""

from mooring.cli import main

main()
