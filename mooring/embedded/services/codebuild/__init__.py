"""CodeBuild for the embedded AWS: projects in memory, and builds that run as real processes under the project's role.

``operations`` lists the supported operations and parameters; the error for any other one names it. ``build`` runs the
phases of a build, ``shell`` its commands. Calls to S3, CloudWatch Logs and Parameter Store are HTTP requests to this
server with the credentials of the project's role, so IAM, bucket policies and keys apply as on AWS.
"""

from pathlib import Path


def register(home: Path) -> None:
    """Add CodeBuild to MiniStack; call it once, before MiniStack's ``main``. Builds get folders below ``home``."""
    # MiniStack reads its environment when it is first imported, so it is imported only here.
    from mooring.embedded.services.codebuild import build, cloudformation, iam  # noqa: PLC0415

    build.set_home(home / "codebuild")
    iam.register()
    cloudformation.register()
