"""The environment variables of a build."""

import os
import sys
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mooring.embedded.services.codebuild.buildspec import Buildspec
from mooring.embedded.services.codebuild.phases import PhaseError
from mooring.embedded.services.codebuild.store import Record
from mooring.embedded.sessions import RoleSession

_BATCH = 10


def variables(
    build: Record, project_arn: str, spec: Buildspec, *, session: RoleSession, base: Path, sources: dict[str, Path]
) -> dict[str, str]:
    """Return exactly the variables of a build's commands.

    ``sources`` has the folder of each source by its identifier, of the primary one with an empty identifier. A
    variable of StartBuild or of the project replaces one of the buildspec.

    Raises
    ------
    PhaseError
        The role may not read a parameter, or there is none of that name.
    """
    given = build["environment"]["environmentVariables"]
    stored = dict(spec.parameters) | {item["name"]: item["value"] for item in given if _is_stored(item)}
    plain = dict(spec.variables) | {item["name"]: item["value"] for item in given if not _is_stored(item)}
    stored = {name: parameter for name, parameter in stored.items() if name not in _plain_names(given)}
    values = _read_parameters(session.client("ssm"), sorted(set(stored.values()))) if stored else {}
    return {
        **_machine(base),
        **session.environment(),
        "AWS_REGION": session.region,
        "AWS_DEFAULT_REGION": session.region,
        # The CDK CLI and other programs in Node read only this variable.
        "NODE_EXTRA_CA_CERTS": os.environ["AWS_CA_BUNDLE"],
        # Some operations put a label before the host: sync-localhost has no address.
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        **plain,
        **{name: values[parameter] for name, parameter in stored.items()},
        **_of_build(build, project_arn),
        **{f"CODEBUILD_SRC_DIR_{name}" if name else "CODEBUILD_SRC_DIR": str(path) for name, path in sources.items()},
    }


def _is_stored(item: Record) -> bool:
    return item.get("type") == "PARAMETER_STORE"


def _plain_names(given: list[Record]) -> set[str]:
    return {item["name"] for item in given if not _is_stored(item)}


def _machine(base: Path) -> dict[str, str]:
    home, temporary = base / "home", base / "tmp"
    home.mkdir()
    temporary.mkdir()
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
    }


def _of_build(build: Record, project_arn: str) -> dict[str, str]:
    source = build["source"]
    found = {
        "CODEBUILD_BUILD_ARN": build["arn"],
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_BUILD_IMAGE": build["environment"]["image"],
        "CODEBUILD_BUILD_NUMBER": str(build["buildNumber"]),
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_CI": "true",
        "CODEBUILD_INITIATOR": build["initiator"],
        "CODEBUILD_KMS_KEY_ID": build["encryptionKey"],
        "CODEBUILD_PROJECT_ARN": project_arn,
        "CODEBUILD_START_TIME": str(int(build["startTime"].timestamp() * 1000)),
    }
    optional = {
        "CODEBUILD_LOG_PATH": build["logs"].get("streamName"),
        "CODEBUILD_RESOLVED_SOURCE_VERSION": build.get("resolvedSourceVersion"),
        "CODEBUILD_SOURCE_REPO_URL": source.get("location") if source["type"] == "S3" else None,
        "CODEBUILD_SOURCE_VERSION": build.get("sourceVersion"),
    }
    return found | {name: value for name, value in optional.items() if value}


def _read_parameters(ssm: Any, names: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        for start in range(0, len(names), _BATCH):
            answer = ssm.get_parameters(Names=names[start : start + _BATCH], WithDecryption=True)
            found |= {parameter["Name"]: parameter["Value"] for parameter in answer["Parameters"]}
            if absent := answer["InvalidParameters"]:
                raise PhaseError("Decrypted Variables Error", f"parameter does not exist: {', '.join(absent)}")
    except (ClientError, BotoCoreError) as error:
        raise PhaseError("Decrypted Variables Error", str(error)) from error
    return found
