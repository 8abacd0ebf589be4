"""Where files land and where refused files go, and the times of landing that infra and the function share."""

PREFIX = "landing/"
"""Prefix in the data bucket of files that land: ``<dataset>/<logical name>`` follows."""
QUARANTINE = "quarantine/"
"""Prefix in the data bucket of refused files."""
LONGEST_S = 900
"""Timeout of the function in seconds: the longest that Lambda allows."""
WINDOW_S = 60
"""Seconds that Lambda gathers messages before it calls the function."""
EVERY = "rate(15 minutes)"
"""Schedule that calls the function without a message: it finds files whose event was lost."""


def landing_prefix(dataset: str) -> str:
    """Return the prefix in the data bucket where the files of one dataset land; it ends in a slash."""
    return f"{PREFIX}{dataset}/"


def quarantine_prefix(dataset: str, landed_id: str) -> str:
    """Return the prefix in the data bucket of one refused file; it ends in a slash.

    Below it are ``content`` and ``reason.json``. A file that landed in no dataset's folder is kept below ``-``.
    """
    return f"{QUARANTINE}{dataset or '-'}/{landed_id}/"


def landing_pk(dataset: str) -> str:
    """Return the ledger's partition of a dataset's landing, which people may not write, unlike ``dataset#…``."""
    return f"landing#{dataset}"
