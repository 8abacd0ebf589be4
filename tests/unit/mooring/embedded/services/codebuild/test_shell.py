"""The shell of a build: what lasts from command to command, and what a stop ends."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mooring.embedded.services.codebuild.shell import Shell, StoppedError, TimedOutError


class Runner:
    """A shell in a temporary folder; ``run`` gives it ten seconds."""

    def __init__(self, program: str, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.stop = threading.Event()
        env = {"PATH": os.environ["PATH"], "GIVEN": "given"}
        self.shell = Shell(program, folder=folder / "shell", cwd=folder, env=env, log=self.log)

    def options(self, within_s: float = 10) -> dict[str, Any]:
        return {"stop": self.stop, "deadline": time.monotonic() + within_s}

    def run(self, command: str) -> int:
        return self.shell.run(command, **self.options())

    def pid(self) -> int:
        """Return the process id that a command has written."""
        while not (file := self.folder / "pid").exists() or not file.read_text().strip():
            time.sleep(0.01)
        return int(file.read_text())


@pytest.fixture(params=["sh", "bash"])
def runner(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runner]:
    found = Runner(request.param, tmp_path)
    yield found
    found.shell.close()


def test_variables_functions_and_folder_last(runner: Runner) -> None:
    assert runner.run('plain=1; greet() { echo "hello $1"; }; mkdir inner; cd inner') == 0
    assert runner.run('greet "$plain $GIVEN $(basename "$PWD")"') == 0
    assert runner.log.read_text().splitlines() == ["hello 1 given inner"]


def test_many_quick_commands_run_in_one_shell(runner: Runner) -> None:
    runner.run("count=0")
    for _ in range(100):
        assert runner.run("count=$((count + 1))") == 0
    assert runner.shell.values(["count"], **runner.options()) == {"count": "100"}


def test_exit_code_is_the_commands(runner: Runner) -> None:
    assert runner.run("(exit 7)") == 7
    assert runner.run("no-such-command") == 127
    assert runner.run("cat <<END\nseveral\nlines\nEND") == 0
    assert runner.log.read_text().splitlines()[-2:] == ["several", "lines"]


def test_exit_ends_only_its_command(runner: Runner) -> None:
    assert runner.run("export KEPT='a \"b\" $c'; mkdir inner; cd inner") == 0
    assert runner.run("exit 3") == 3
    assert runner.run('echo "$KEPT $(basename "$PWD")"') == 0
    assert runner.log.read_text().splitlines()[-1] == 'a "b" $c inner'
    assert runner.run("set -e; false; echo not reached") == 1
    assert runner.run("if [ 1 = 1; then") != 0
    assert runner.run("echo after") == 0
    assert "not reached" not in runner.log.read_text()


def test_expands_and_reads_variables(runner: Runner) -> None:
    runner.run('SIZE=2; export NAME="two\nlines"')
    assert runner.shell.expand('out-$SIZE-"$(echo "a b")".zip', **runner.options()) == 'out-2-"a b".zip'
    found = runner.shell.values(["SIZE", "NAME", "ABSENT"], **runner.options())
    assert found == {"SIZE": "2", "NAME": "two\nlines", "ABSENT": ""}


@pytest.mark.parametrize("reason", [StoppedError, TimedOutError])
def test_stop_and_time_out_end_every_process(runner: Runner, reason: type[Exception]) -> None:
    options = runner.options(60 if reason is StoppedError else 0.5)
    if reason is StoppedError:
        threading.Timer(0.5, runner.stop.set).start()
    with pytest.raises(reason):
        runner.shell.run("sleep 60 & echo $! > pid; wait", **options)
    assert not psutil.pid_exists(runner.pid()) or psutil.Process(runner.pid()).status() == psutil.STATUS_ZOMBIE


def test_close_ends_what_commands_left_running(runner: Runner) -> None:
    assert runner.run("sleep 60 & echo $! > pid") == 0
    process = psutil.Process(runner.pid())
    runner.shell.close()
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_program_that_does_not_exist_is_an_exit_code(tmp_path: Path) -> None:
    assert Runner("/no/such/shell", tmp_path).run("true") == 127
