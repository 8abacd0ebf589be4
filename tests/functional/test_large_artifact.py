"""An artifact of 2 GB is hashed as it streams: the memory of the function does not grow with it."""

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.app import ROOT
from infra.functions import FUNCTIONS

SIZE_BYTES = 2 << 30
BLOCK = bytes(range(256)) * 4096
LEAST_MEMORY_MB = 256
"""Memory of the smallest function."""
PROGRAM = """
import json, sys, time
import boto3
from botocore.config import Config
from pipelines.aws.s3 import HASHED_ONCE, Bucket
config = Config(s3={**HASHED_ONCE["s3"], "addressing_style": "path"}, response_checksum_validation="when_required")
client = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1", config=config)
began, cpu = time.monotonic(), time.process_time()
found = Bucket(client=client, name="artifacts", owner="123456789012").sha256_of("model.tar.gz")
used = {"seconds": time.monotonic() - began, "cpu_s": time.process_time() - cpu}
# getrusage would include the memory of the process that started this one.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"sha256": found, "rss_mb": int(peak.split()[1]) / 1024, **used}))
"""


class Artifact(BaseHTTPRequestHandler):
    """S3 with one object of ``SIZE_BYTES``."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(SIZE_BYTES))
        self.send_header("ETag", '"x"')
        self.end_headers()
        for _ in range(SIZE_BYTES // len(BLOCK)):
            self.wfile.write(BLOCK)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Artifact)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_two_gigabytes_are_hashed_in_the_memory_of_the_smallest_function(endpoint: str) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, endpoint], env=keys, capture_output=True, text=True, check=False, timeout=300
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    digest = hashlib.sha256()
    for _ in range(SIZE_BYTES // len(BLOCK)):
        digest.update(BLOCK)
    assert found["sha256"] == digest.hexdigest()
    assert found["rss_mb"] < LEAST_MEMORY_MB
    hashing = [spec for spec in FUNCTIONS if spec.name in ("begin_release", "register_candidate")]
    assert all(found["cpu_s"] < spec.timeout_s for spec in hashing), "they have a whole processor"
