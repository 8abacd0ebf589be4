"""SageMaker for the embedded AWS: its control plane in memory, real processes behind it.

A service of MiniStack's server, registered through MiniStack's own tables. ``operations`` says what is supported; all
else is refused by name. Jobs and endpoints run under the container contract of SageMaker's scikit-learn image:
``training`` and ``processing`` start processes through ``jobs``, ``endpoints`` through ``variants``, whose program is
``serving``. Every access to S3 and to logs on a role's behalf goes through the server's own door with that role's
credentials, so IAM, bucket policies and keys decide as they do on AWS.
"""

from pathlib import Path


def register(home: Path) -> None:
    """Add SageMaker to MiniStack, once, before MiniStack's ``main``; jobs and endpoints have folders in ``home``."""
    # Imported here: MiniStack reads its environment when it is first imported.
    from mooring.embedded.sagemaker import cloudformation, endpoints, iam, jobs, step_functions  # noqa: PLC0415

    jobs.set_home(home / "sagemaker")
    endpoints.set_home(home / "sagemaker")
    iam.register()
    step_functions.register()
    cloudformation.register()
