"""SageMaker for the embedded AWS: a control plane in memory that runs jobs and endpoints as real processes.

It is a service of MiniStack's server, registered in MiniStack's own tables. ``operations`` lists the supported
operations and parameters; the error for any other one names it. Jobs and endpoints run under the container contract
of SageMaker's scikit-learn image: ``training`` and ``processing`` start processes with ``jobs``; ``endpoints`` starts
them with ``variants``, which runs the program ``serving``. Calls to S3 and CloudWatch Logs on behalf of a role are
HTTP requests to this server with the role's credentials, so IAM, bucket policies and keys apply as on AWS.
"""

from pathlib import Path


def register(home: Path) -> None:
    """Add SageMaker to MiniStack; call it once, before MiniStack's ``main``.

    Jobs and endpoints get folders below ``home``.
    """
    # MiniStack reads its environment when it is first imported, so it is imported only here.
    from mooring.embedded.sagemaker import cloudformation, endpoints, iam, jobs, step_functions, tags  # noqa: PLC0415

    jobs.set_home(home / "sagemaker")
    endpoints.set_home(home / "sagemaker")
    iam.register()
    tags.register()
    step_functions.register()
    cloudformation.register()
