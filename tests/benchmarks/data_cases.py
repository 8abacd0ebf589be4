"""The datasets of the data benchmark: random CSV files that are written once, and a change of one file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

FIELD_DIGITS = 7
FIELDS = 8
SEED = 20130101


@dataclass(frozen=True, kw_only=True)
class Case:
    """A dataset of ``files`` files of about ``size_bytes`` each; every other one has quoted fields."""

    name: str
    files: int
    size_bytes: int
    rounds: int

    def write(self, folder: Path) -> None:
        """Write the files, unless an earlier run wrote them."""
        done = folder / ".done"
        if done.exists():
            return
        (folder / "files").mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(SEED)
        for number in range(self.files):
            content = table(random, self.size_bytes, quoted=bool(number % 2))
            (folder / "files" / f"part-{number:05d}.csv").write_bytes(content)
        done.touch()


def table(random: np.random.Generator, size_bytes: int, *, quoted: bool) -> bytes:
    """Return about ``size_bytes`` of CSV with a header; ``quoted`` puts the first field of each row in quotes."""
    width = FIELDS * (FIELD_DIGITS + 1)
    cells = random.integers(ord("0"), ord("9") + 1, size=(size_bytes // width, width), dtype=np.uint8)
    cells[:, FIELD_DIGITS :: FIELD_DIGITS + 1] = ord(",")
    cells[:, -1] = ord("\n")
    if quoted:
        cells[:, 0] = cells[:, FIELD_DIGITS - 1] = ord('"')
    header = ",".join(f"column_{number}" for number in range(FIELDS))
    return f"{header}\n".encode() + cells.tobytes()


def change_one(folder: Path) -> None:
    """Give one file of ``folder`` another content of the same size."""
    first = min(folder.iterdir())
    content = bytearray(first.read_bytes())
    # A digit of the last row.
    content[-2] = ord("0") + (content[-2] - ord("0") + 1) % 10
    first.unlink()
    first.write_bytes(content)
