"""Child processes end with their server."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from mooring.embedded.supervise import spawn

SLEEPER = "import time; time.sleep(60)"


def _eventually(fact: Callable[[], bool], within_s: float = 10) -> bool:
    end = time.monotonic() + within_s
    while not fact():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_child_gets_its_own_environment_group_and_log(tmp_path: Path) -> None:
    program = "import os; print(os.environ['SM_X'], os.getpgrp() == os.getpid(), os.getpid())"
    handle = spawn([sys.executable, "-c", program], env={"SM_X": "7"}, cwd=tmp_path, log=tmp_path / "log")
    assert handle.wait(10) == 0
    assert (tmp_path / "log").read_text().split() == ["7", "True", str(handle.pid)]


def test_exit_codes_are_the_childs_own(tmp_path: Path) -> None:
    def ended(program: str) -> int:
        return spawn([sys.executable, "-c", program], env={}, cwd=tmp_path, log=tmp_path / "log").wait(10)

    assert ended("raise SystemExit(3)") == 3
    assert ended("import os; os.kill(os.getpid(), 9)") == 137


def test_program_that_cannot_start_leaves_the_reason_in_the_log(tmp_path: Path) -> None:
    handle = spawn(["no-such-program"], env={}, cwd=tmp_path, log=tmp_path / "log")
    assert handle.wait(10) == 127
    assert "cannot start no-such-program" in (tmp_path / "log").read_text()


def test_terminate_ends_a_group_that_ignores_term(tmp_path: Path) -> None:
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\n" + SLEEPER
    handle = spawn([sys.executable, "-c", program], env={}, cwd=tmp_path, log=tmp_path / "log")
    assert _eventually(lambda: "up" in (tmp_path / "log").read_text())
    assert handle.terminate(grace_s=0.2) == 137
    assert _gone(handle.pid)


def test_child_and_grandchild_die_when_the_server_is_killed(tmp_path: Path) -> None:
    family = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {SLEEPER!r}])
print(child.pid, flush=True)
child.wait()
"""
    server = f"""
import sys, time
from pathlib import Path
from mooring.embedded.supervise import spawn
handle = spawn([sys.executable, "-c", {family!r}], env={{}}, cwd=Path({str(tmp_path)!r}), log=Path("{tmp_path}/log"))
print(handle.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", server], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert _eventually(lambda: (tmp_path / "log").read_text().strip() != "")
        grandchild = int((tmp_path / "log").read_text())
        assert not _gone(child)
        process.kill()
    assert _eventually(lambda: _gone(child) and _gone(grandchild))


def test_own_group_dies_when_its_leader_is_killed() -> None:
    leader = f"""
import os, subprocess, sys, time
from mooring.embedded.supervise import guard_own_group
guard_own_group()
print(subprocess.Popen([sys.executable, "-c", {SLEEPER!r}]).pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", leader], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        assert os.getpgid(worker) == process.pid
        process.kill()
    assert _eventually(lambda: _gone(worker))
