"""Read a buildspec of version 0.2.

All values are texts, as they are written: ``1`` and ``yes`` of YAML are no number and no boolean here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

PHASES = ("install", "pre_build", "build", "post_build")
SHELLS = ("sh", "bash", "/bin/sh", "/bin/bash")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOCUMENT = "version env phases artifacts"
_ENV = "shell variables parameter-store exported-variables"
_PHASE = "commands finally on-failure"
_ARTIFACTS = "files base-directory name discard-paths exclude-paths"
_RUNTIMES = "python nodejs"


class BuildspecError(Exception):
    """Fault of a buildspec; the text becomes the message of a phase's context."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Commands of one phase; ``on_failure`` is ABORT, CONTINUE, or empty for AWS's own order of phases."""

    commands: tuple[str, ...]
    final: tuple[str, ...]
    on_failure: str


@dataclass(frozen=True, kw_only=True)
class Artifacts:
    """Files of one output artifact: glob patterns relative to ``base_directory``, itself relative to the source."""

    files: tuple[str, ...]
    exclude: tuple[str, ...]
    base_directory: str
    name: str
    discard_paths: bool


@dataclass(frozen=True, kw_only=True)
class Buildspec:
    """A build's commands, variables and artifacts; ``secondary`` is by artifact identifier."""

    shell: str = "sh"
    variables: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    exported: tuple[str, ...] = ()
    phases: Mapping[str, Phase] = field(default_factory=dict)
    artifacts: Artifacts | None = None
    secondary: Mapping[str, Artifacts] = field(default_factory=dict)


def is_inline(given: str) -> bool:
    """Return whether a project's ``buildspec`` is the buildspec itself, not the path of its file."""
    return "\n" in given or given.lstrip().startswith("{")


def load(given: str, source: Path) -> Buildspec:
    """Return the buildspec that a project gives inline or as a path in its source (default: ``buildspec.yml``).

    Raises
    ------
    BuildspecError
        There is no such file, or it is no buildspec that the embedded AWS supports.
    """
    if is_inline(given):
        return parse(given)
    name = given or "buildspec.yml"
    file = source / name
    if not file.resolve().is_relative_to(source.resolve()) or not file.is_file():
        raise BuildspecError(f"YAML file does not exist: {name}")
    return parse(file.read_text(encoding="utf-8", errors="replace"))


def parse(text: str) -> Buildspec:
    """Return the buildspec of a YAML or JSON text.

    Raises
    ------
    BuildspecError
        The text is no buildspec of version 0.2, or has a part that the embedded AWS does not support.
    """
    try:
        document = yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise BuildspecError(f"YAML_FILE_ERROR: {error}") from error
    found = _mapping(document, "buildspec", _DOCUMENT)
    if found.get("version") != "0.2":
        raise BuildspecError(f"version {found.get('version')!r} is not supported by the embedded AWS: use 0.2")
    env = _mapping(found.get("env", {}), "env", _ENV)
    shell = env.get("shell", "sh")
    if shell not in SHELLS:
        raise BuildspecError(f"env.shell {shell!r} is not supported by the embedded AWS: use {', '.join(SHELLS)}")
    phases = _mapping(found.get("phases", {}), "phases", " ".join(PHASES))
    if not phases:
        raise BuildspecError("phases is required, with at least one of " + ", ".join(PHASES))
    artifacts, secondary = _read_artifacts(found.get("artifacts"))
    return Buildspec(
        shell=shell,
        variables=_texts(env.get("variables", {}), "env.variables"),
        parameters=_texts(env.get("parameter-store", {}), "env.parameter-store"),
        exported=_list(env.get("exported-variables", []), "env.exported-variables", names=True),
        phases={name: _read_phase(name, phases[name]) for name in PHASES if name in phases},
        artifacts=artifacts,
        secondary=secondary,
    )


def _read_phase(name: str, value: Any) -> Phase:
    where = f"phases.{name}"
    found = _mapping(value, where, f"{_PHASE} runtime-versions" if name == "install" else _PHASE)
    # The versions have no effect: the commands run with this machine's Python and Node.
    _mapping(found.get("runtime-versions", {}), f"{where}.runtime-versions", _RUNTIMES)
    on_failure = found.get("on-failure", "")
    if on_failure not in ("", "ABORT", "CONTINUE"):
        raise BuildspecError(
            f"{where}.on-failure {on_failure!r} is not supported by the embedded AWS: use ABORT or CONTINUE"
        )
    if not {"commands", "runtime-versions"} & set(found):
        raise BuildspecError(f"{where} has no commands")
    return Phase(
        commands=_list(found.get("commands", []), f"{where}.commands"),
        final=_list(found.get("finally", []), f"{where}.finally"),
        on_failure=on_failure,
    )


def _read_artifacts(value: Any) -> tuple[Artifacts | None, dict[str, Artifacts]]:
    if value is None:
        return None, {}
    found = _mapping(value, "artifacts", f"{_ARTIFACTS} secondary-artifacts")
    where = "artifacts.secondary-artifacts"
    others = found.pop("secondary-artifacts", {})
    if not isinstance(others, dict):
        raise BuildspecError(f"{where} must be a mapping")
    secondary = {
        name: _read_files(_mapping(part, f"{where}.{name}", _ARTIFACTS), f"{where}.{name}")
        for name, part in others.items()
    }
    return (_read_files(found, "artifacts") if found or not secondary else None), secondary


def _read_files(found: dict[str, Any], where: str) -> Artifacts:
    if "files" not in found:
        raise BuildspecError(f"{where}.files is required")
    discard = found.get("discard-paths", "no")
    if discard.lower() not in ("yes", "no", "true", "false"):
        raise BuildspecError(f"{where}.discard-paths {discard!r} must be yes or no")
    return Artifacts(
        files=_list(found["files"], f"{where}.files"),
        exclude=_list(found.get("exclude-paths", []), f"{where}.exclude-paths"),
        base_directory=_text(found.get("base-directory", ""), f"{where}.base-directory"),
        name=_text(found.get("name", ""), f"{where}.name"),
        discard_paths=discard.lower() in ("yes", "true"),
    )


def _mapping(value: Any, where: str, known: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BuildspecError(f"{where} must be a mapping with {', '.join(known.split())}")
    if unknown := sorted(set(value) - set(known.split())):
        raise BuildspecError(
            f"{', '.join(unknown)} in {where} is not supported by the embedded AWS"
            f" (supported: {', '.join(known.split())})"
        )
    return dict(value)


def _texts(value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise BuildspecError(f"{where} must be a mapping of names to values")
    for name, text in value.items():
        _check_name(name, where)
        _text(text, f"{where}.{name}")
    return dict(value)


def _list(value: Any, where: str, *, names: bool = False) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise BuildspecError(f"{where} must be a list")
    found = tuple(_items(value, where))
    for name in found if names else ():
        _check_name(name, where)
    return found


def _items(values: list[Any], where: str) -> Iterator[str]:
    for position, item in enumerate(values):
        if not isinstance(item, str):
            raise BuildspecError(
                f"Expected {where}[{position}] to be of string type: found subkeys instead: put it in quotes"
            )
        yield item


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise BuildspecError(f"{where} must be a text")
    return value


def _check_name(name: str, where: str) -> None:
    if not _NAME.fullmatch(name):
        raise BuildspecError(f"{where}: {name!r} is no name of a variable")
