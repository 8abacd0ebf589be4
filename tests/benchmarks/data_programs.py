"""Programs of the data benchmark: commits by this library, and transfers of the same bytes by bare boto3.

``python -m tests.benchmarks.data_programs {ours,bare} {store,fetch} FOLDER`` stores a folder's files, or fetches them
to an empty folder. Both use the same client and the same number of threads. Bare boto3 has neither commits nor order:
it hashes each file and puts it under its digest, with the SHA-256 that S3 verifies, or gets and hashes it; a local file
keeps the digests in between.
"""

import argparse
import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from pipelines.aws.parallel import WORKERS
from pipelines.aws.s3 import HASHED_ONCE, checksum
from pipelines.datasets.commits.commits import Dataset
from pipelines.datasets.commits.digest_cache import remembering
from pipelines.interface.names import Environment

ACCOUNT = "111111111111"
REGION = "eu-west-1"
ENVIRONMENT = Environment(team="bench", stage="dev", account=ACCOUNT, region=REGION)
BLOCK_BYTES = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", choices=("ours", "bare"))
    parser.add_argument("act", choices=("store", "fetch"))
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    if options.program == "bare":
        (put_all if options.act == "store" else get_all)(client("s3"), options.folder)
        return
    dataset = Dataset.in_environment(
        ENVIRONMENT, "bench", s3=client("s3", **HASHED_ONCE), dynamodb=client("dynamodb", **HASHED_ONCE)
    )
    if options.act == "store":
        with remembering(Path(os.environ["BENCH_DIGESTS"])) as memory:
            files = {path.name: memory.source(path) for path in options.folder.iterdir()}
            dataset.commit(files, author="bench", message="bench", replace_all=True)
    else:
        dataset.checkout(dataset.resolve("HEAD"), options.folder)


def client(service: str, **more: Any) -> Any:
    """Return a client with the SDK's defaults, or with ``more`` options, as the command line uses."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 5}, max_pool_connections=20, **more)
    return boto3.client(service, region_name=REGION, config=config)  # type: ignore[call-overload]


def put_all(s3: Any, folder: Path) -> None:
    def put(path: Path) -> tuple[str, str]:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            s3.put_object(
                Bucket=ENVIRONMENT.bucket("data"), Key=f"bare/{digest}", Body=file, ChecksumSHA256=checksum(digest)
            )
        return path.name, digest

    with ThreadPoolExecutor(WORKERS) as pool:
        digests = dict(pool.map(put, folder.iterdir()))
    _digests_file().write_text(json.dumps(digests))


def get_all(s3: Any, folder: Path) -> None:
    folder.mkdir()

    def get(entry: tuple[str, str]) -> None:
        name, expected = entry
        body = s3.get_object(Bucket=ENVIRONMENT.bucket("data"), Key=f"bare/{expected}")["Body"]
        digest = hashlib.sha256()
        with (folder / name).open("wb") as file:
            for block in body.iter_chunks(BLOCK_BYTES):
                digest.update(block)
                file.write(block)
        if digest.hexdigest() != expected:
            raise RuntimeError(f"{name} has the digest {digest.hexdigest()}")

    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(get, json.loads(_digests_file().read_text()).items()):
            pass


def _digests_file() -> Path:
    return Path(os.environ["BENCH_DIGESTS"])


if __name__ == "__main__":
    main()
