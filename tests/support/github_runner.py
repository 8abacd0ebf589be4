"""Runs the jobs of a GitHub workflow on this machine: each ``run`` step in order, with Bash and options as GitHub's.

What exists only on GitHub is replaced, and nothing else:

- ``uses: actions/checkout`` is the work tree that the test has cloned;
- the set-up finds the packages of the tests' own interpreter, node modules and layers done (``prepare``);
- the token's issuer is a server that signs nothing, with the claims that GitHub documents;
- ``gh`` is a program that keeps comments in a file;
- expressions are looked up in a table: an unknown one is an error.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from mooring.ci.github import CHECKOUT

ROOT = Path(__file__).parents[2]
ISSUER = "https://token.actions.githubusercontent.com"
UNKNOWN_TO_RUNNERS = ("AWS_", "CDK_", "MOORING_", "PYTEST", "VIRTUAL_ENV")
"""Beginnings of variables that the tests' own process has."""
EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")
GH = """\
#!{python}
import json, pathlib, sys
kept, arguments = pathlib.Path({kept!r}), sys.argv[1:]
comments = json.loads(kept.read_text()) if kept.exists() else []
assert arguments[0] == "api", arguments
if "--jq" in arguments:
    assert "/comments" in arguments[2] and "github-actions[bot]" in arguments[4], arguments
    print("\\n".join(str(each["id"]) for each in comments))
    sys.exit()
method, address = arguments[2], arguments[3]
body = pathlib.Path(arguments[arguments.index("--field") + 1].removeprefix("body=@")).read_text()
if method == "POST":
    comments.append({{"id": len(comments) + 1, "address": address, "body": body, "updates": 0}})
else:
    (one,) = [each for each in comments if address.endswith("/comments/" + str(each["id"]))]
    one["body"], one["updates"] = body, one["updates"] + 1
kept.write_text(json.dumps(comments))
"""


@contextmanager
def token_issuer(claims: Mapping[str, str]) -> Iterator[str]:
    """Serve tokens with ``claims``, and the audience that a request asks for; yield the address of requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.headers["Authorization"] == "bearer request-token"
            parts = [{"alg": "none"}, {"iss": ISSUER, "aud": self.path.rpartition("audience=")[2], **claims}, {}]
            encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
            body = json.dumps({"value": ".".join(encoded)}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token?version=1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def prepare(tree: Path) -> None:
    """Give a work tree its own environment, in which the set-up's downloads are done."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tree / ".venv")], check=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(tree / ".venv")}))
    (packages / "tests.pth").write_text(f"{tree}\n{sysconfig.get_path('purelib')}\n")
    programs = tree / ".venv" / "bin"
    for name in ("ruff", "node", "npm"):
        if (found := Path(sys.executable).with_name(name)).exists():
            (programs / name).symlink_to(found)
    (programs / "mooring").write_text('#!/bin/bash\nexec "$(dirname "$0")/python" -m mooring "$@"\n')
    (programs / "mooring").chmod(0o755)
    for folder in ("node_modules", "build"):
        (tree / folder).mkdir()
        for path in (ROOT / folder).iterdir():
            if path.name == ".done":
                continue
            (tree / folder / path.name).symlink_to(path)
    for folder in ("layer", "job-packages"):
        link = tree / "build" / folder
        link.unlink()
        link.mkdir()
        for path in (ROOT / "build" / folder).iterdir():
            if path.name != ".done":
                (link / path.name).symlink_to(path)
    for done in (programs, tree / "node_modules", tree / "build/layer", tree / "build/job-packages"):
        (done / ".done").touch()


@dataclass(frozen=True, kw_only=True)
class Runner:
    """One run of a workflow in a work tree; ``expressions`` are the values of those that the workflow uses."""

    tree: Path
    folder: Path
    expressions: Mapping[str, Any]
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, job: Mapping[str, Any]) -> list[str]:
        """Run the steps of a job, and return the names of those that ran; raise if one fails."""
        ran: list[str] = []
        failed: subprocess.CompletedProcess[str] | None = None
        for step in job["steps"]:
            if "uses" in step:
                assert step["uses"] == CHECKOUT
                continue
            condition = step.get("if")
            if (failed and condition != "always()") or not (condition is None or self._value(condition)):
                continue
            ran.append(step["name"])
            done = self._step(step)
            if done.returncode and failed is None:
                failed = done
        if failed:
            raise AssertionError(f"one of {ran} failed: {failed.stdout}\n{failed.stderr}")
        return ran

    def _step(self, step: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
        script = self.folder / "step.sh"
        script.write_text(step["run"])
        own = {name: EXPRESSION.sub(self._found, str(text)) for name, text in step.get("env", {}).items()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(UNKNOWN_TO_RUNNERS)}
        paths = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.tree,
            env={**kept, "PATH": paths, **self.variables, **own},
            capture_output=True,
            text=True,
            check=False,
        )

    def _found(self, match: re.Match[str]) -> str:
        return str(self._value(match[1]))

    def _value(self, expression: str) -> Any:
        return self.expressions[expression]


def install_gh(folder: Path) -> Path:
    """Put ``gh`` into ``folder/bin``; return the file with the comments that it keeps."""
    (folder / "bin").mkdir(parents=True)
    program, kept = folder / "bin" / "gh", folder / "comments.json"
    program.write_text(GH.format(python=sys.executable, kept=str(kept)))
    program.chmod(0o755)
    return kept


def copy_of_the_repository(folder: Path) -> Path:
    """Return a new repository with the files of this one, as its branch main will have them."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder
