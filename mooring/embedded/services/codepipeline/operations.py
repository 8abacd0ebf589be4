"""Table of CodePipeline's supported operations and parameters; the error for any other one names it."""

from typing import Any

from mooring.embedded.services.codepipeline.errors import invalid, unsupported
from mooring.embedded.shapes import Api

_ACTION = (
    "name actionTypeId.category actionTypeId.owner actionTypeId.provider actionTypeId.version runOrder configuration.*"
    " outputArtifacts.name inputArtifacts.name roleArn namespace timeoutInMinutes"
)
_STAGE = (
    "name beforeEntry.conditions.result beforeEntry.conditions.rules.name"
    " beforeEntry.conditions.rules.ruleTypeId.category beforeEntry.conditions.rules.ruleTypeId.owner"
    " beforeEntry.conditions.rules.ruleTypeId.provider beforeEntry.conditions.rules.ruleTypeId.version"
    " beforeEntry.conditions.rules.configuration.*"
)
_PIPELINE = {
    *(f"pipeline.{name}" for name in ["name", "roleArn", "version", "executionMode", "pipelineType"]),
    *(f"pipeline.artifactStore.{name}" for name in ["type", "location", "encryptionKey.id", "encryptionKey.type"]),
    *(f"pipeline.variables.{name}" for name in ["name", "defaultValue", "description"]),
    *(f"pipeline.stages.{name}" for name in _STAGE.split()),
    *(f"pipeline.stages.actions.{name}" for name in _ACTION.split()),
}

PARAMETERS: dict[str, set[str]] = {
    "CreatePipeline": {*_PIPELINE, "tags.key", "tags.value"},
    "UpdatePipeline": _PIPELINE,
    "DeletePipeline": {"name"},
    "GetPipeline": {"name", "version"},
    "ListPipelines": {"maxResults", "nextToken"},
    "GetPipelineState": {"name"},
    "StartPipelineExecution": {
        *("name", "clientRequestToken", "variables.name", "variables.value"),
        *(f"sourceRevisions.{name}" for name in ("actionName", "revisionType", "revisionValue")),
    },
    "StopPipelineExecution": {"pipelineName", "pipelineExecutionId", "abandon", "reason"},
    "GetPipelineExecution": {"pipelineName", "pipelineExecutionId"},
    "ListPipelineExecutions": {"pipelineName", "maxResults", "nextToken"},
    "ListActionExecutions": {"pipelineName", "filter.pipelineExecutionId", "maxResults", "nextToken"},
    "ListRuleExecutions": {"pipelineName", "filter.pipelineExecutionId", "maxResults", "nextToken"},
    "RetryStageExecution": {"pipelineName", "stageName", "pipelineExecutionId", "retryMode"},
    "PutApprovalResult": {"pipelineName", "stageName", "actionName", "result.summary", "result.status", "token"},
    "EnableStageTransition": {"pipelineName", "stageName", "transitionType"},
    "DisableStageTransition": {"pipelineName", "stageName", "transitionType", "reason"},
    "TagResource": {"resourceArn", "tags.key", "tags.value"},
    "UntagResource": {"resourceArn", "tagKeys"},
    "ListTagsForResource": {"resourceArn", "maxResults", "nextToken"},
}
CHOICES: dict[str, set[Any]] = {
    "pipeline.stages.actions.actionTypeId.owner": {"AWS"},
    "pipeline.stages.actions.actionTypeId.provider": {
        "S3",
        "CodeStarSourceConnection",
        "CodeBuild",
        "Manual",
        "StepFunctions",
    },
    "pipeline.stages.beforeEntry.conditions.result": {"FAIL", "SKIP"},
    "pipeline.stages.beforeEntry.conditions.rules.ruleTypeId.provider": {"VariableCheck"},
    "sourceRevisions.revisionType": {"S3_OBJECT_KEY", "S3_OBJECT_VERSION_ID"},
}

API = Api(
    service="codepipeline", parameters=PARAMETERS, choices=CHOICES, off={}, invalid=invalid, unsupported=unsupported
)
