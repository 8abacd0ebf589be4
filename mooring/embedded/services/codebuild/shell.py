"""One shell that runs all commands of a build, so that its variables and folder last from command to command.

The shell reads the names of command files from a named pipe and runs each in itself. A command that ends the shell
(``exit 1``) ends only itself, as on AWS: the next command gets a new shell with the folder and the exported variables
that the last one had.
"""

import contextlib
import os
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from mooring.embedded import supervise

STOP_GRACE_S = 5.0
"""Seconds between TERM and KILL of a build that is stopped or has timed out."""
_POLL_S = 0.02

_DRIVER = """
__codebuild_leave() {
  export -p > "$__codebuild/exported.new"; pwd > "$__codebuild/folder"
  mv "$__codebuild/exported.new" "$__codebuild/exported"
}
__codebuild=FOLDER
trap __codebuild_leave EXIT
if [ -f "$__codebuild/exported" ]; then
  . "$__codebuild/exported" 2>/dev/null; cd "$(cat "$__codebuild/folder")"
fi
while :; do
  # A quick command ends before the writer of its name has closed the pipe: then this read meets the end of the file.
  IFS= read -r __codebuild_file < "$__codebuild/requests" || continue
  . "$__codebuild_file"
  echo "$?" > "$__codebuild_file.code.new"; mv "$__codebuild_file.code.new" "$__codebuild_file.code"
done
"""


class StoppedError(Exception):
    """The build was stopped while a command ran."""


class TimedOutError(Exception):
    """The build's time ended while a command ran."""


class Shell:
    """The shell of one build; its files are below ``folder``, and it starts in ``cwd`` with exactly ``env``."""

    def __init__(self, program: str, *, folder: Path, cwd: Path, env: Mapping[str, str], log: Path) -> None:
        self._program = program if program.startswith("/") else shutil.which(program, path=env["PATH"]) or program
        self._folder = folder
        self._cwd = cwd
        self._env = env
        self._log = log
        self._count = 0
        self._handle: supervise.Handle | None = None
        folder.mkdir(parents=True)
        os.mkfifo(folder / "requests")
        (folder / "driver").write_text(_DRIVER.replace("FOLDER", shlex.quote(str(folder))), encoding="utf-8")

    def run(self, command: str, *, stop: threading.Event, deadline: float) -> int:
        """Run a command and return its exit code.

        Raises
        ------
        StoppedError, TimedOutError
            ``stop`` was set, or the monotonic clock passed ``deadline``; no process of the build is left.
        """
        if self._handle is None or self._handle.poll() is not None:
            self._handle = supervise.spawn(
                [self._program, str(self._folder / "driver")], env=self._env, cwd=self._cwd, log=self._log
            )
        self._count += 1
        file = self._folder / f"command-{self._count}"
        file.write_text(f"{command}\n", encoding="utf-8")
        answer = file.with_name(f"{file.name}.code")
        sent = False
        while not answer.exists():
            if stop.is_set() or time.monotonic() > deadline:
                self._handle.terminate(STOP_GRACE_S)
                raise StoppedError if stop.is_set() else TimedOutError
            sent = sent or self._send(file)
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._handle.wait(_POLL_S)
                return int(answer.read_text()) if answer.exists() else code
        return int(answer.read_text())

    def expand(self, text: str, *, stop: threading.Event, deadline: float) -> str:
        """Return a text of the buildspec as the shell expands it: variables and ``$(...)``."""
        target = self._folder / "expanded"
        end = "__codebuild_end"
        code = self.run(f"cat > {shlex.quote(str(target))} <<{end}\n{text}\n{end}", stop=stop, deadline=deadline)
        return target.read_text(encoding="utf-8").removesuffix("\n") if code == 0 else text

    def values(self, names: Iterable[str], *, stop: threading.Event, deadline: float) -> dict[str, str]:
        """Return the values of the shell's variables; one that is not set is empty."""
        folder = self._folder / "values"
        folder.mkdir(exist_ok=True)
        files = {name: folder / name for name in names}
        writes = [f'printf "%s" "${{{name}-}}" > {shlex.quote(str(file))}' for name, file in files.items()]
        self.run("\n".join(writes), stop=stop, deadline=deadline)
        return {name: file.read_text(encoding="utf-8", errors="replace") for name, file in files.items()}

    def close(self) -> None:
        """End the shell and the processes that its commands left."""
        if self._handle is not None:
            self._handle.terminate(0)

    def _send(self, file: Path) -> bool:
        """Write the command file's name to the pipe; return False if the shell does not read yet."""
        try:
            pipe = os.open(self._folder / "requests", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody has the pipe open for reading
            return False
        with os.fdopen(pipe, "w", encoding="utf-8") as sink:
            sink.write(f"{file}\n")
        return True
