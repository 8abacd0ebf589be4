"""CodePipeline for the embedded AWS: pipelines in memory, whose actions really run under the pipeline's role.

``operations`` lists the supported operations and parameters; the error for any other one names it. ``runs`` takes an
execution through its stages, ``actions`` runs one action of each supported kind. Calls to S3, Step Functions and SNS
are HTTP requests to this server with the credentials of the action's role, so IAM, bucket policies and keys apply as on
AWS.
"""


def register() -> None:
    """Add CodePipeline to MiniStack; call it once, before MiniStack's ``main``."""
    # MiniStack reads its environment when it is first imported, so it is imported only here.
    from mooring.embedded.repairs import events  # noqa: PLC0415
    from mooring.embedded.services.codepipeline import cloudformation, iam, starts  # noqa: PLC0415

    iam.register()
    cloudformation.register()
    events.add_target("codepipeline", "codepipeline:StartPipelineExecution", starts.exists, starts.by_event)
