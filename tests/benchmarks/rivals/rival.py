"""Base of the rivals' programs, which run in environments of their own."""

import argparse
import json
import logging
import time
from abc import ABC, abstractmethod
from importlib.metadata import version

import numpy as np
import pandas as pd

from tests.benchmarks import windows


class Rival(ABC):
    @abstractmethod
    def __init__(self, reference: pd.DataFrame) -> None: ...

    @abstractmethod
    def raised(self, windows: list[pd.DataFrame]) -> list[set[str]]:
        """Return the columns that drifted in each window; all windows have the same number of rows."""

    @abstractmethod
    def seconds(self, window: pd.DataFrame) -> float:
        """Return the CPU seconds of a full check of a window in memory."""


class WindowRival(Rival):
    """A rival that checks each window by itself."""

    @abstractmethod
    def check(self, window: pd.DataFrame) -> set[str]:
        """Return the columns that drifted."""

    def raised(self, windows: list[pd.DataFrame]) -> list[set[str]]:
        return [self.check(window) for window in windows]

    def seconds(self, window: pd.DataFrame) -> float:
        begun = time.process_time()
        self.check(window)
        return time.process_time() - begun


def main(name: str, kind: type[Rival]) -> None:
    """Print the answers to the commands as JSON: ``raised`` counts windows, ``time`` gives seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("commands", help="a JSON array of objects")
    logging.disable()
    rival = kind(pd.DataFrame(windows.reference()))
    answers = []
    for command in json.loads(parser.parse_args().commands):
        tables = [
            pd.DataFrame(windows.table(command["rows"], seed, command["kind"]))
            for seed in range(1, command["windows"] + 1)
        ]
        if command["do"] == "time":
            answers.append({**command, "seconds": [rival.seconds(table) for table in tables]})
        else:
            raised = rival.raised(tables)
            column = windows.CHANGED.get(command["kind"])
            count = sum(column in names if column else bool(names) for names in raised)
            answers.append({**command, "raised": count})
    versions = f"{name} {version(name)}, numpy {np.__version__}, pandas {pd.__version__}"
    print(json.dumps({"versions": versions, "answers": answers}))
