"""The data contract of a model: the rules of its dataset's rows.

A contract is ``contract.yaml`` beside the model's programs; docs/reference/contract.md lists everything it may hold::

    min_rows: 1000
    segments: [origin]
    columns:
      origin: {role: feature, type: category, allowed: [EWR, JFK, LGA]}
      temp: {role: feature, type: number, min: -40, max: 130, nullable: true}

Training and evaluation read a contract too, so reading one needs no pandera.
"""

import hashlib
from pathlib import Path

from pipelines.jobs.validation.data_contract.builder import ContractBuilder
from pipelines.jobs.validation.data_contract.spec import Column, DataContract, Freshness
from pipelines.jobs.validation.data_contract.yaml import Document

__all__ = ["Column", "DataContract", "Freshness", "InvalidContractError", "read_contract"]

MAX_BYTES = 1_000_000
"""Largest size of a contract."""


class InvalidContractError(ValueError):
    """The contract itself is wrong; the message names every error with its line."""


def read_contract(path: Path) -> DataContract:
    """Read and check a contract.

    Raises
    ------
    InvalidContractError
        The file is no contract; the message names every error.
    """
    content = path.read_bytes()
    if len(content) > MAX_BYTES:
        raise InvalidContractError(f"{path.name}: {len(content)} bytes, but a contract has at most {MAX_BYTES}")
    try:
        document = Document(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidContractError(f"{path.name}: not UTF-8 (byte {error.start}): save it in UTF-8") from error
    contract = None
    if document.content is not None or not document.problems:
        contract = ContractBuilder(document).contract(hashlib.sha256(content).hexdigest())
    if contract is None or document.problems:
        lines = [str(problem) for problem in sorted(document.problems, key=lambda problem: problem.line)]
        raise InvalidContractError("\n  ".join([f"{path.name}: {len(lines)} errors", *lines]))
    return contract
