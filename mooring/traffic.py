"""Sends rows of files to a model's endpoint, as an application would."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mooring.errors import MooringError
from pipelines.aws.client import Client

ROWS_PER_REQUEST = 250
SENDERS = 4


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows as lines of CSV without line ends, and their known labels by the row's number."""

    header: str
    lines: Sequence[str]
    labels: dict[int, str]


def read_rows(files: Sequence[Path], features: Sequence[str], target: str) -> Rows:
    """Read the features of all rows, and the known labels.

    Raises
    ------
    MooringError
        A file lacks features; the message names them.
    """
    from pipelines.tables.reading import read_table  # noqa: PLC0415 - imports pandas

    lines: list[str] = []
    labels: dict[int, str] = {}
    for file in files:
        table = read_table(file, file.name)
        if missing := [name for name in features if name not in table]:
            raise MooringError(
                f"{file} lacks the features {', '.join(missing)}",
                remedy=f"send files of the model's dataset; this one has {', '.join(map(str, table.columns))}",
            )
        if target in table:
            known = table[target].notna()
            labels |= {
                len(lines) + row: str(value)
                for row, (value, is_known) in enumerate(zip(table[target], known, strict=True))
                if is_known
            }
        text = table[list(features)].to_csv(index=False, header=False, lineterminator="\n")
        lines += text.splitlines()
    return Rows(header=_line(features), lines=lines, labels=labels)


def send(
    client: Client,
    endpoint: str,
    header: str,
    rows: Sequence[str],
    *,
    name: str,
    on_request: Callable[[int], None],
) -> list[str]:
    """Send CSV ``rows`` in requests of ``ROWS_PER_REQUEST``; return one answer line per row, in order.

    A request's inference id is ``name`` and the request's number, from 0.
    """

    def invoke(start: int) -> list[str]:
        batch = rows[start : start + ROWS_PER_REQUEST]
        answer = client.invoke_endpoint(
            EndpointName=endpoint,
            ContentType="text/csv",
            Accept="text/csv",
            Body="\n".join([header, *batch]),
            InferenceId=f"{name}-{start // ROWS_PER_REQUEST}",
        )
        on_request(len(batch))
        return str(answer["Body"].read().decode()).strip().splitlines()

    with ThreadPoolExecutor(SENDERS) as pool:
        answers = pool.map(invoke, range(0, len(rows), ROWS_PER_REQUEST))
        return [line for lines in answers for line in lines]


def labels_file(name: str, labels: dict[int, str]) -> str:
    """Return a file of labels for rows that were sent as ``name``: CSV with inference_id, row and label."""
    return "".join(f"{line}\n" for line in _label_lines(name, labels))


def _label_lines(name: str, labels: dict[int, str]) -> Iterator[str]:
    yield "inference_id,row,label"
    for row, label in labels.items():
        yield _line([f"{name}-{row // ROWS_PER_REQUEST}", str(row % ROWS_PER_REQUEST), label])


def _line(cells: Sequence[str]) -> str:
    sink = io.StringIO()
    csv.writer(sink, lineterminator="").writerow(cells)
    return sink.getvalue()
