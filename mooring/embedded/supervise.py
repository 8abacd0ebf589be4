"""Child processes that end with the server, even if it is killed with ``kill -9``.

``spawn`` starts a program in a process group of its own, under a small supervisor process (this file, run as a
script). The supervisor reads from a pipe that the server holds open. When the server ends, the kernel closes the
pipe; the supervisor sees the end of file and kills the group. This works on Linux and macOS::

    handle = spawn([sys.executable, "train.py"], env={"SM_MODEL_DIR": "/m"}, cwd=folder, log=folder / "log")
    handle.wait(timeout_s=60)  # the exit code; 128 + n if signal n ended the child
    handle.terminate(grace_s=5)  # TERM to the group, then KILL

This file imports only the standard library, so the supervisor (``python -I -S``) starts in about 15 ms.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

GRACE_S = 5.0
"""Seconds between TERM and KILL."""


class Handle:
    """A supervised child; ``pid`` is the child's pid and the id of its process group."""

    def __init__(self, supervisor: "subprocess.Popen[bytes]", pid: int) -> None:
        self._supervisor = supervisor
        self.pid = pid

    def poll(self) -> int | None:
        """Return the exit code, or None while the child runs."""
        return self._ended(self._supervisor.poll())

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait until the child ends and return its exit code.

        Raises
        ------
        subprocess.TimeoutExpired
            The child still runs after ``timeout_s`` seconds.
        """
        code = self._ended(self._supervisor.wait(timeout_s))
        assert code is not None
        return code

    def terminate(self, grace_s: float = GRACE_S) -> int:
        """Send TERM to the whole group, and KILL after ``grace_s`` seconds; return the exit code."""
        if self.poll() is None:
            _signal_group(self.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.wait(grace_s)
            _signal_group(self.pid, signal.SIGKILL)
        return self.wait()

    def _ended(self, code: int | None) -> int | None:
        if code is None:
            return None
        for stream in (self._supervisor.stdin, self._supervisor.stdout):
            if stream is not None:
                stream.close()
        if code < 0:  # the supervisor itself was killed, so it cannot end the group
            _signal_group(self.pid, signal.SIGKILL)
            return 128 - code
        return code


def spawn(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> Handle:
    """Start ``argv`` in a process group of its own, with exactly ``env``; append its output to ``log``.

    If the program cannot be started, the exit code is 127 and ``log`` has the reason.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as sink:
        supervisor = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, *argv],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sink,
            start_new_session=True,
        )
    assert supervisor.stdout is not None
    return Handle(supervisor, int(supervisor.stdout.readline() or supervisor.pid))


def guard_own_group() -> None:
    """Start a process that kills the rest of the caller's process group once the caller has ended.

    The server calls this: its Lambda workers are in its group, and without a guard a long invocation would go on
    after a ``kill -9`` of the server.

    Raises
    ------
    RuntimeError
        The caller does not lead its process group.
    """
    if os.getpgrp() != os.getpid():
        raise RuntimeError(
            f"process {os.getpid()} does not lead its process group {os.getpgrp()}: start it in a new session"
        )
    global _guard  # noqa: PLW0603 - the writing end of the guard's pipe must live as long as the process
    _guard = subprocess.Popen([sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE)


_guard: "subprocess.Popen[bytes] | None" = None


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        os.killpg(group, number)


def _wait_for_end_of_file() -> None:
    while os.read(0, 1024):
        pass


def _kill_own_group() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _wait_for_end_of_file()
    _signal_group(os.getpgrp(), signal.SIGKILL)


def _supervise(argv: list[str]) -> int:
    try:
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=sys.stderr, stderr=sys.stderr, process_group=0, cwd=os.getcwd()
        )
    except OSError as error:
        print(f"cannot start {argv[0]}: {error}", file=sys.stderr, flush=True)
        return 127
    print(child.pid, flush=True)

    def end_with_server() -> None:
        _wait_for_end_of_file()
        _signal_group(child.pid, signal.SIGTERM)
        time.sleep(GRACE_S)
        _signal_group(child.pid, signal.SIGKILL)

    threading.Thread(target=end_with_server, daemon=True).start()
    code = child.wait()
    _signal_group(child.pid, signal.SIGKILL)  # processes that the child left in its group
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(_supervise(sys.argv[1:]))
    _kill_own_group()
