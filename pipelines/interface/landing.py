"""Landing: where files arrive and where refused ones go, the ledger's keys, the times that infra and function share."""

PREFIX = "landing/"
"""Data bucket: below it ``<dataset>/<logical name>``."""
QUARANTINE = "quarantine/"
"""Data bucket: below it what was refused."""
LONGEST_S = 900
"""The function's time-out: the longest that Lambda knows."""
WINDOW_S = 60
"""How long wakes are gathered before the function runs."""
EVERY = "rate(15 minutes)"
"""How often it looks without being woken: what finds a file whose event was lost."""
TURN = "turn"
"""Of a dataset: {holder, expires_at (epoch seconds), asked}: who lands its files, and whether another one came."""


def landing_prefix(dataset: str) -> str:
    """Data bucket: where the files of one dataset arrive. Ends in a slash."""
    return f"{PREFIX}{dataset}/"


def quarantine_prefix(dataset: str, landed_id: str) -> str:
    """Data bucket: one refused file: ``content``, and ``reason.json``. Ends in a slash."""
    return f"{QUARANTINE}{dataset or '-'}/{landed_id}/"


def landing_pk(dataset: str) -> str:
    """Apart from ``dataset#…``, which people may write."""
    return f"landing#{dataset}"


def batch_sk(time: str, batch_id: str) -> str:
    """Of a dataset: {dataset, time, commit, files, bytes, quarantined, superseded}.

    ``batch_id`` is the id of the commit that the batch made; if it made none, a digest of the files' versions.
    """
    return f"batch#{time}#{batch_id}"
