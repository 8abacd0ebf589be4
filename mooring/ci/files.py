"""Writes the workflow files of a CI system into a repository."""

from collections.abc import Callable, Mapping
from pathlib import Path

from infra.fleet import Fleet
from mooring.ci import circleci, github, gitlab, jenkins
from mooring.ci.jobs import pipeline_of
from mooring.ci.model import Pipeline
from mooring.errors import MooringError

RENDERERS: Mapping[str, Callable[[Pipeline, str], dict[str, str]]] = {
    "github": github.render,
    "gitlab": gitlab.render,
    "jenkins": jenkins.render,
    "circleci": circleci.render,
}


def render(fleet: Fleet, provider: str, fleet_name: str) -> dict[str, str]:
    """Return the text of each of a CI system's files by its path.

    Raises
    ------
    MooringError
        The fleet names no CI system, or another one: its roles would not trust this one's jobs.
    """
    if fleet.ci is None or fleet.ci.provider != provider:
        stated = "names no CI system" if fleet.ci is None else f"has ci.provider {fleet.ci.provider}"
        remedy = f"add to the file: ci: {{provider: {provider}, repository: OWNER/NAME}}"
        raise MooringError(f"{fleet_name} {stated}, so no role trusts the jobs of {provider}", remedy=remedy)
    return RENDERERS[provider](pipeline_of(fleet, fleet.ci), fleet_name)


def write(files: Mapping[str, str], folder: Path, *, force: bool) -> list[Path]:
    """Write files below ``folder``, and return their paths. Nothing is written if one exists with another text.

    Raises
    ------
    MooringError
        A file exists with another text, and ``force`` is false.
    """
    different = [
        path
        for path, text in files.items()
        if (folder / path).exists() and (folder / path).read_text(encoding="utf-8") != text
    ]
    if different and not force:
        raise MooringError(
            f"{', '.join(different)} exists with another text",
            remedy="keep it, or overwrite it with --force",
        )
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return [folder / path for path in files]
