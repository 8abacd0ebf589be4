"""One production variant: the process that serves its model, and the HTTP connections to it."""

import contextvars
import http.client
import logging
import queue
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mooring.embedded import supervise
from mooring.embedded.joblog import LogShipper
from mooring.embedded.sagemaker import archives, jobs, models, roles, s3data, store
from mooring.embedded.sagemaker.errors import invalid
from mooring.embedded.sagemaker.store import Record

logger = logging.getLogger("mooring.sagemaker")

INVOKE_TIMEOUT_S = 60.0
_STARTUP_S = 60.0
_RESTART_AFTER_S = 0.2
_SERVING = Path(__file__).with_name("serving.py")


class VariantError(Exception):
    """Failure of a variant to serve; the text becomes a FailureReason."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Answer of a variant's process."""

    status: int
    body: bytes
    content_type: str


class Variant:
    """A variant and its process, which is restarted whenever it ends until ``stop``."""

    def __init__(self, endpoint: str, production: Record, base: Path) -> None:
        model = store.get("model", production["ModelName"])
        container = model.get("PrimaryContainer") or model["Containers"][0]
        self._endpoint = endpoint
        self.name: str = production["VariantName"]
        self.instances = int(production["InitialInstanceCount"])
        self.weight = float(production["InitialVariantWeight"])
        self.role_arn: str = model["ExecutionRoleArn"]
        self.log = base / f"{self.name}.log"
        self.log_names = {
            "group": f"/aws/sagemaker/Endpoints/{endpoint}",
            "stream": f"{self.name}/i-{store.suffix()}",
        }
        self._container = models.resolve_container(container)
        self._isolated: bool = model["EnableNetworkIsolation"]
        self._startup_s = production.get("ContainerStartupHealthCheckTimeoutInSeconds", _STARTUP_S)
        self._base = base / self.name
        self._connections: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue()
        self._stopping = threading.Event()
        self._handle: supervise.Handle | None = None
        self._port = 0
        self._shipper: LogShipper | None = None

    def start(self) -> None:
        """Download the model, start its process and return once it answers ``/ping``.

        Raises
        ------
        VariantError
            The variant did not become healthy; its process is stopped.
        """
        try:
            self.session = roles.assume(self.role_arn)
            packed = self._base / "model.tar.gz"
            s3data.download(self.session.client("s3"), self._container["ModelDataUrl"], packed)
            archives.unpack(packed, jobs.make_folder(self._base / "opt" / "ml" / "model"))
            packed.unlink()
            self._environment = self._variables()
            self._shipper = LogShipper(self.session, self.log, **self.log_names)
            self._launch()
        except Exception as error:
            self.stop()
            raise VariantError(f"The variant {self.name} did not become healthy: {error}") from error
        watch = contextvars.copy_context().run
        threading.Thread(target=watch, args=(self._keep_alive,), daemon=True, name=f"variant-{self.name}").start()

    def stop(self) -> None:
        """End the process and remove its folder."""
        self._stopping.set()
        if self._handle is not None:
            self._handle.terminate(2.0)
        if self._shipper is not None:
            self._shipper.close()
        shutil.rmtree(self._base, ignore_errors=True)

    @property
    def pid(self) -> int:
        """Id of the serving process; 0 if there is none."""
        return self._handle.pid if self._handle else 0

    def invoke(self, body: bytes, headers: dict[str, str]) -> Answer:
        """Forward one request to ``/invocations``.

        Raises
        ------
        OSError
            The process does not run, or ended during the request.
        """
        try:
            connection = self._connections.get_nowait()
        except queue.Empty:
            connection = self._connect()
        try:
            connection.request("POST", "/invocations", body, headers)
            response = connection.getresponse()
            answer = Answer(
                status=response.status, body=response.read(), content_type=response.headers.get("Content-Type", "")
            )
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise OSError(f"variant {self.name}: {error!r}") from error
        self._connections.put(connection)
        return answer

    def _connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=INVOKE_TIMEOUT_S)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _variables(self) -> dict[str, str]:
        ml = self._base / "opt" / "ml"
        requested = {k: v.replace("/opt/ml", str(ml)) for k, v in self._container.get("Environment", {}).items()}
        code = Path(requested.setdefault("SAGEMAKER_SUBMIT_DIRECTORY", str(ml / "model" / "code")))
        program = requested.setdefault("SAGEMAKER_PROGRAM", "inference.py")
        if not str(code).startswith(str(ml)):
            raise invalid(f"SAGEMAKER_SUBMIT_DIRECTORY {code} is not below /opt/ml: put the code into model.tar.gz")
        if not (code / program).is_file():
            raise invalid(f"model.tar.gz has no SAGEMAKER_PROGRAM {program} in {code.relative_to(self._base)}")
        home = jobs.make_folder(self._base / "home")
        clean = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(home),
            "TMPDIR": str(home),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            # Each request has its own thread; on small bodies more OpenMP threads would only wait for each other.
            "OMP_NUM_THREADS": "1",
            "MOORING_ENDPOINT": self._endpoint,
            "SM_MODEL_DIR": str(ml / "model"),
            "PYTHONPATH": str(code),
            "AWS_REGION": self.session.region,
            "AWS_DEFAULT_REGION": self.session.region,
        }
        return clean | ({} if self._isolated else self.session.environment()) | requested

    def _launch(self) -> None:
        port_file = self._base / "port"
        port_file.unlink(missing_ok=True)
        argv = [sys.executable, "-P", str(_SERVING), str(self._base / "opt" / "ml" / "model"), str(port_file)]
        handle = supervise.spawn(argv, env=self._environment, cwd=self._base, log=self.log)
        self._handle = handle
        deadline = time.monotonic() + self._startup_s
        while not port_file.exists():
            if handle.poll() is not None:
                raise VariantError(f"its process ended with code {handle.poll()}: {self._tail()}")
            if time.monotonic() > deadline or self._stopping.is_set():
                handle.terminate(1.0)
                raise VariantError(f"no answer to /ping within {self._startup_s:.0f} s")
            time.sleep(0.02)
        self._port = int(port_file.read_text())
        self._connections = queue.LifoQueue()
        self._ping()

    def _ping(self) -> None:
        connection = self._connect()
        connection.request("GET", "/ping")
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise VariantError(f"/ping answered {response.status}")
        self._connections.put(connection)

    def _tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-8:])[-700:]

    def _keep_alive(self) -> None:
        while not self._stopping.is_set():
            try:
                assert self._handle is not None
                code = self._handle.wait(0.5)
            except subprocess.TimeoutExpired:
                continue
            if self._stopping.wait(_RESTART_AFTER_S):
                return
            logger.warning("variant %s ended with code %s: restarting it", self.name, code)
            try:
                self._launch()
            except Exception as error:
                logger.warning("variant %s: %s", self.name, error)
            if self._stopping.is_set() and self._handle is not None:
                self._handle.terminate(1.0)


def describe(variant: Variant) -> dict[str, Any]:
    """Return the variant in the shape of DescribeEndpoint."""
    return {
        "VariantName": variant.name,
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
        "CurrentInstanceCount": variant.instances,
        "DesiredInstanceCount": variant.instances,
    }
