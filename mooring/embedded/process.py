"""Start, find and stop the process of the embedded AWS.

::

    server = start(home=Path(".mooring"), port=4566)
    boto3.client("s3", **client_options(server, account="111111111111", region="eu-west-1")).list_buckets()
    stop(home=Path(".mooring"))
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from mooring.embedded import trust
from mooring.errors import MooringError

DEFAULT_PORT = 4566
READY_WITHIN_S = 60.0
STOP_WITHIN_S = 4.0
"""Hypercorn gives open requests 3 s. A server has nothing to save: each start is a clean start."""
SECRET = "embedded"
"""Secret access key of every account's root.

The server does not check it: it verifies the signatures of roles' and users' keys only, not of 12-digit account ids.
"""

_LOOPBACK = "localhost,127.0.0.1"

_started: "dict[int, subprocess.Popen[bytes]]" = {}
"""Servers that this process started: their parent must wait for them, else they stay as zombies."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server, as recorded in ``server.json`` of its home folder.

    ``proxy_port`` is the port of its proxy, for clients that ignore the endpoint. ``started`` is the creation time of
    its process, in seconds since the epoch. It distinguishes the server from a later process with the same pid.
    """

    home: Path
    port: int
    proxy_port: int
    pid: int
    started: float
    schedule_speed: float

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def proxy_url(self) -> str:
        return f"http://127.0.0.1:{self.proxy_port}"

    @property
    def authority(self) -> Path:
        """Path of the certificate authority that clients must trust."""
        return self.home / "tls" / "ca.pem"

    @property
    def log(self) -> Path:
        return self.home / "server.log"


def start(
    *,
    home: Path,
    port: int = DEFAULT_PORT,
    schedule_speed: float = 1.0,
    on_wait: Callable[[float], None] = lambda _: None,
) -> Server:
    """Start an empty server and return once it answers; ``on_wait`` gets the seconds waited so far.

    Raises
    ------
    MooringError
        A server already runs in this home, the port is taken, or the server does not start.
    """
    home = home.resolve()
    if found := running(home):
        raise MooringError(
            f"the embedded AWS already runs on port {found.port} (process {found.pid})",
            remedy="use it, or stop it first: mooring down",
        )
    _require_free(port)
    proxy_port = _free_port_after(port)
    _clear(home)
    for ended in [pid for pid, child in _started.items() if child.poll() is not None]:
        del _started[ended]  # killed by somebody else, and waited for by this poll
    command = [sys.executable, "-m", "mooring.embedded.server", "--port", str(port), "--home", str(home)]
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--proxy-port", str(proxy_port), "--schedule-speed", str(schedule_speed)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    server = Server(
        home=home,
        port=port,
        proxy_port=proxy_port,
        pid=process.pid,
        started=psutil.Process(process.pid).create_time(),
        schedule_speed=schedule_speed,
    )
    _state_file(home).write_text(json.dumps({**asdict(server), "home": str(home)}))
    _started[process.pid] = process
    try:
        wait_until_ready(server, on_wait)
    except BaseException:
        stop(home=home)
        raise
    return server


def wait_until_ready(server: Server, on_wait: Callable[[float], None] = lambda _: None) -> None:
    """Return once the server answers; ``on_wait`` gets the seconds waited so far.

    Raises
    ------
    MooringError
        The server ended, or did not answer within ``READY_WITHIN_S``; the message has the last lines of its log.
    """
    begun = time.monotonic()
    while (waited := time.monotonic() - begun) < READY_WITHIN_S:
        if _ready(server):
            return
        if not _alive(server):
            raise MooringError(
                f"the embedded AWS ended while starting:\n{_last_lines(server.log)}", remedy=f"read {server.log}"
            )
        on_wait(waited)
        time.sleep(0.1)
    raise MooringError(
        f"the embedded AWS did not answer within {READY_WITHIN_S:.0f} s:\n{_last_lines(server.log)}",
        remedy=f"read {server.log}",
    )


def running(home: Path) -> Server | None:
    """Return the server of this home, or None if none runs.

    A record that a killed server left behind is ignored: no process has its pid and its creation time.
    """
    try:
        state = json.loads(_state_file(home.resolve()).read_text())
        server = Server(**{**state, "home": Path(state["home"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError):  # no server was started, or its record is incomplete
        return None
    return server if _alive(server) else None


def require_running(home: Path) -> Server:
    """Return the running server of this home.

    Raises
    ------
    MooringError
        No server runs in this home.
    """
    if found := running(home):
        return found
    raise MooringError(f"the embedded AWS does not run (looked in {home})", remedy="start it: mooring up")


def stop(*, home: Path) -> Server | None:
    """Stop the server of this home and all its child processes; return it, or None if none ran.

    The server gets SIGTERM, and SIGKILL if it still runs after ``STOP_WITHIN_S``.
    """
    server = running(home)
    if server is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(server.pid)
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_WITHIN_S)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(STOP_WITHIN_S)
        if (child := _started.pop(server.pid, None)) is not None:
            child.wait()
    _state_file(home.resolve()).unlink(missing_ok=True)
    return server


def variables(server: Server, *, account: str, region: str, proxied: bool = False) -> dict[str, str]:
    """Return environment variables that point boto3, the AWS CLI and the CDK CLI at one account and region.

    With ``proxied`` they also lead clients that ignore the endpoint through the server's proxy.
    """
    bundle = str(trust.write(server.authority, server.home / "trust.pem"))
    found = dict.fromkeys(trust.VARIABLES, bundle) | {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "CDK_DEFAULT_ACCOUNT": account,
        "CDK_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Some operations put a label before the host: data-localhost has no address.
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
    }
    if proxied:
        # Nothing but loopback may pass by the proxy: an entry for amazonaws.com would lead to AWS itself.
        found |= {"HTTPS_PROXY": server.proxy_url, "HTTP_PROXY": server.proxy_url, "NO_PROXY": _LOOPBACK}
    else:
        found["NO_PROXY"] = _without_proxy(os.environ.get("no_proxy") or os.environ.get("NO_PROXY", ""))
    # Some clients read only the small letters, and prefer them.
    return found | {name.lower(): value for name, value in found.items() if name.endswith("_PROXY")}


def _without_proxy(current: str) -> str:
    """Return the hosts that need no proxy: a company's own, and loopback."""
    hosts = [host.strip() for host in current.split(",") if host.strip()]
    return ",".join([*hosts, *(host for host in _LOOPBACK.split(",") if host not in hosts)])


def client_options(server: Server, *, account: str, region: str) -> dict[str, Any]:
    """Return the arguments of ``boto3.client`` for the root of one account."""
    return {
        "endpoint_url": server.url,
        "verify": str(server.authority),
        "region_name": region,
        "aws_access_key_id": account,
        "aws_secret_access_key": SECRET,
    }


def places(server: Server) -> list[tuple[str, str]]:
    """Return the accounts and regions that hold a stack, sorted.

    Raises
    ------
    MooringError
        The server runs but does not answer.
    """
    try:
        with _open(server, "/_mooring/places", timeout_s=30) as answer:
            return [(account, region) for account, region in json.load(answer)]
    except OSError as error:
        raise MooringError(
            f"the embedded AWS (process {server.pid}) does not answer at {server.url}: {error}",
            remedy=f"wait for it to start, or read {server.log}; start again: mooring down && mooring up",
        ) from error


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _state_file(home: Path) -> Path:
    return home / "server.json"


def _alive(server: Server) -> bool:
    try:
        process = psutil.Process(server.pid)
        return process.create_time() == server.started and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise MooringError(
                f"port {port} cannot be used: {error.strerror}",
                remedy=f"use another port: mooring up --port {port + 1}",
            ) from error


def _free_port_after(port: int) -> int:
    """Return the next loopback port that is free, so that the proxy's address stays the same over most starts."""
    for candidate in range(port + 1, min(port + 100, 65_536)):
        with contextlib.suppress(MooringError):
            _require_free(candidate)
            return candidate
    return free_port()


def _clear(home: Path) -> None:
    """Delete the folders and the record that an earlier server left in the home; other files stay."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("tmp", "tls", "sagemaker", "codebuild"):
        shutil.rmtree(home / name, ignore_errors=True)
    _state_file(home).unlink(missing_ok=True)


def _ready(server: Server) -> bool:
    try:
        with _open(server, "/_ministack/ready") as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _open(server: Server, path: str, *, timeout_s: float = 2) -> Any:
    context = ssl.create_default_context(cafile=str(server.authority))
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    return direct.open(f"{server.url}{path}", timeout=timeout_s)


def _last_lines(log: Path, count: int = 15) -> str:
    return os.linesep.join(log.read_text(errors="replace").splitlines()[-count:])
