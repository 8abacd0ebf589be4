"""Table of the supported operations and parameters; the error for any other one names it.

``shapes.Api`` says how a parameter is written.
docs/reference/embedded-aws.md says how to add an operation.
"""

from typing import Any

from mooring.embedded.sagemaker.errors import invalid, unsupported
from mooring.embedded.shapes import Api

_LIST = "NameContains CreationTimeAfter CreationTimeBefore SortBy SortOrder MaxResults NextToken"

# Parameters that are accepted and described but have no effect on one machine.
_RECORDED = {
    "CreateTrainingJob": "VpcConfig.* EnableInterContainerTrafficEncryption RoleArn ResourceConfig.InstanceType"
    " ResourceConfig.VolumeSizeInGB ResourceConfig.VolumeKmsKeyId ResourceConfig.InstanceCount"
    " AlgorithmSpecification.EnableSageMakerMetricsTimeSeries"
    # SageMaker's SDK 2 asks every job for system monitoring, and for a debugger's hook without collections, which the
    # scikit-learn container does not have. Framework profiling and collections are not supported.
    " ProfilerConfig.DisableProfiler ProfilerConfig.S3OutputPath DebugHookConfig.S3OutputPath",
    "CreateProcessingJob": "NetworkConfig.VpcConfig.* NetworkConfig.EnableInterContainerTrafficEncryption"
    " ProcessingResources.ClusterConfig.InstanceType ProcessingResources.ClusterConfig.VolumeSizeInGB"
    " ProcessingResources.ClusterConfig.VolumeKmsKeyId ProcessingResources.ClusterConfig.InstanceCount",
    "CreateModel": "VpcConfig.*",
    "CreateEndpointConfig": "KmsKeyId ProductionVariants.InstanceType ProductionVariants.InitialInstanceCount"
    " ProductionVariants.VolumeSizeInGB",
}

SUPPORTED = {
    "CreateTrainingJob": "TrainingJobName HyperParameters.* AlgorithmSpecification.TrainingImage"
    " AlgorithmSpecification.TrainingInputMode AlgorithmSpecification.MetricDefinitions.* InputDataConfig.ChannelName"
    " InputDataConfig.DataSource.S3DataSource.S3DataType InputDataConfig.DataSource.S3DataSource.S3Uri"
    " InputDataConfig.DataSource.S3DataSource.S3DataDistributionType InputDataConfig.ContentType"
    " InputDataConfig.CompressionType InputDataConfig.RecordWrapperType InputDataConfig.InputMode"
    " OutputDataConfig.S3OutputPath OutputDataConfig.KmsKeyId OutputDataConfig.CompressionType"
    " StoppingCondition.MaxRuntimeInSeconds Tags EnableNetworkIsolation Environment.*",
    "DescribeTrainingJob": "TrainingJobName",
    "StopTrainingJob": "TrainingJobName",
    "ListTrainingJobs": f"{_LIST} StatusEquals",
    "CreateProcessingJob": "ProcessingJobName ProcessingInputs.InputName ProcessingInputs.AppManaged"
    " ProcessingInputs.S3Input.S3Uri ProcessingInputs.S3Input.LocalPath ProcessingInputs.S3Input.S3DataType"
    " ProcessingInputs.S3Input.S3InputMode ProcessingInputs.S3Input.S3DataDistributionType"
    " ProcessingInputs.S3Input.S3CompressionType ProcessingOutputConfig.Outputs.OutputName"
    " ProcessingOutputConfig.Outputs.S3Output.S3Uri ProcessingOutputConfig.Outputs.S3Output.LocalPath"
    " ProcessingOutputConfig.Outputs.S3Output.S3UploadMode ProcessingOutputConfig.Outputs.AppManaged"
    " ProcessingOutputConfig.KmsKeyId StoppingCondition.MaxRuntimeInSeconds AppSpecification.ImageUri"
    " AppSpecification.ContainerEntrypoint AppSpecification.ContainerArguments Environment.*"
    " NetworkConfig.EnableNetworkIsolation RoleArn Tags",
    "DescribeProcessingJob": "ProcessingJobName",
    "StopProcessingJob": "ProcessingJobName",
    "ListProcessingJobs": f"{_LIST} StatusEquals",
    "CreateModel": "ModelName PrimaryContainer.Image PrimaryContainer.ModelDataUrl PrimaryContainer.Environment.*"
    " PrimaryContainer.ModelPackageName PrimaryContainer.Mode PrimaryContainer.ContainerHostname Containers.Image"
    " Containers.ModelDataUrl Containers.Environment.* Containers.ModelPackageName Containers.Mode"
    " Containers.ContainerHostname ExecutionRoleArn Tags EnableNetworkIsolation",
    "DescribeModel": "ModelName",
    "DeleteModel": "ModelName",
    "ListModels": _LIST,
    "CreateEndpointConfig": "EndpointConfigName ProductionVariants.VariantName ProductionVariants.ModelName"
    " ProductionVariants.InitialVariantWeight ProductionVariants.ModelDataDownloadTimeoutInSeconds"
    " ProductionVariants.ContainerStartupHealthCheckTimeoutInSeconds DataCaptureConfig.EnableCapture"
    " DataCaptureConfig.InitialSamplingPercentage DataCaptureConfig.DestinationS3Uri DataCaptureConfig.KmsKeyId"
    " DataCaptureConfig.CaptureOptions.CaptureMode DataCaptureConfig.CaptureContentTypeHeader.CsvContentTypes"
    " DataCaptureConfig.CaptureContentTypeHeader.JsonContentTypes Tags",
    "DescribeEndpointConfig": "EndpointConfigName",
    "DeleteEndpointConfig": "EndpointConfigName",
    "ListEndpointConfigs": _LIST,
    "CreateEndpoint": "EndpointName EndpointConfigName Tags",
    "UpdateEndpoint": "EndpointName EndpointConfigName RetainAllVariantProperties"
    " ExcludeRetainedVariantProperties.VariantPropertyType",
    "DescribeEndpoint": "EndpointName",
    "DeleteEndpoint": "EndpointName",
    "ListEndpoints": f"{_LIST} StatusEquals",
    "CreateModelPackageGroup": "ModelPackageGroupName ModelPackageGroupDescription Tags",
    "DescribeModelPackageGroup": "ModelPackageGroupName",
    "DeleteModelPackageGroup": "ModelPackageGroupName",
    "ListModelPackageGroups": _LIST,
    "PutModelPackageGroupPolicy": "ModelPackageGroupName ResourcePolicy",
    "GetModelPackageGroupPolicy": "ModelPackageGroupName",
    "DeleteModelPackageGroupPolicy": "ModelPackageGroupName",
    "CreateModelPackage": "ModelPackageGroupName ModelPackageDescription InferenceSpecification.*"
    " ModelApprovalStatus MetadataProperties.* ModelMetrics.* CustomerMetadataProperties.* DriftCheckBaselines.*"
    " Domain Task SamplePayloadUrl ClientToken SourceUri ModelCard.* SkipModelValidation CertifyForMarketplace Tags",
    "DescribeModelPackage": "ModelPackageName",
    "UpdateModelPackage": "ModelPackageArn ModelApprovalStatus ApprovalDescription CustomerMetadataProperties.*"
    " CustomerMetadataPropertiesToRemove",
    "DeleteModelPackage": "ModelPackageName",
    "ListModelPackages": f"{_LIST} ModelPackageGroupName ModelApprovalStatus ModelPackageType",
    "AddTags": "ResourceArn Tags",
    "ListTags": "ResourceArn NextToken MaxResults",
    "DeleteTags": "ResourceArn TagKeys",
}

CHOICES: dict[str, set[Any]] = {
    "AlgorithmSpecification.TrainingInputMode": {"File"},
    "InputDataConfig.InputMode": {"File"},
    "InputDataConfig.CompressionType": {"None"},
    "InputDataConfig.RecordWrapperType": {"None"},
    "InputDataConfig.DataSource.S3DataSource.S3DataType": {"S3Prefix", "ManifestFile"},
    "InputDataConfig.DataSource.S3DataSource.S3DataDistributionType": {"FullyReplicated"},
    "OutputDataConfig.CompressionType": {"GZIP"},
    "ResourceConfig.InstanceCount": {1},
    "ProcessingResources.ClusterConfig.InstanceCount": {1},
    "ProcessingInputs.AppManaged": {False},
    "ProcessingInputs.S3Input.S3InputMode": {"File"},
    "ProcessingInputs.S3Input.S3CompressionType": {"None"},
    "ProcessingInputs.S3Input.S3DataDistributionType": {"FullyReplicated"},
    "ProcessingOutputConfig.Outputs.AppManaged": {False},
    "ProcessingOutputConfig.Outputs.S3Output.S3UploadMode": {"Continuous", "EndOfJob"},
    "PrimaryContainer.Mode": {"SingleModel"},
    "Containers.Mode": {"SingleModel"},
    "SkipModelValidation": {"All", "None"},
    "CertifyForMarketplace": {False},
    "ModelPackageType": {"Versioned"},
}
"""Supported values of the parameters that do not support all values; all other parameters support every value."""

OFF: dict[str, dict[str, Any]] = {
    "CreateTrainingJob": {
        "EnableManagedSpotTraining": False,
        "InfraCheckConfig.EnableInfraCheck": False,
        "InputDataConfig.DataSource.S3DataSource.ModelAccessConfig.AcceptEula": False,
        "RemoteDebugConfig.EnableRemoteDebug": False,
        "ResourceConfig.InstancePlacementConfig.EnableMultipleJobs": False,
        "ResourceConfig.KeepAlivePeriodInSeconds": 0,
        "SessionChainingConfig.EnableSessionTagChaining": False,
    },
    "CreateModel": {
        "Containers.MultiModelConfig.ModelCacheSetting": "Disabled",
        "PrimaryContainer.MultiModelConfig.ModelCacheSetting": "Disabled",
    },
    "CreateEndpointConfig": {
        "EnableNetworkIsolation": False,
        "MetricsConfig.EnableDetailedObservability": False,
        "MetricsConfig.EnableEnhancedMetrics": False,
        "ProductionVariants.EnableSSMAccess": False,
        "ProductionVariants.ManagedInstanceScaling.Status": "DISABLED",
    },
    "UpdateEndpoint": {"RetainDeploymentConfig": False},
}
"""Switches of features that are not supported, with the value that means off: clients send it by themselves."""


def _parameters(operation: str) -> set[str]:
    paths = set(f"{SUPPORTED[operation]} {_RECORDED.get(operation, '')}".split())
    return paths | ({"Tags.Key", "Tags.Value"} if "Tags" in paths else set())


API = Api(
    service="sagemaker",
    parameters={operation: _parameters(operation) for operation in SUPPORTED},
    choices=CHOICES,
    off=OFF,
    invalid=invalid,
    unsupported=unsupported,
)
