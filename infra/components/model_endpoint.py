"""A model's endpoint, as the release state defines it; there is none while there is no champion.

CloudFormation retains model, config and endpoint when it removes or replaces them: the release flow's sweep deletes
those that neither the endpoint nor the stack refers to any more. A failed creation is not retained: an endpoint that
never came into service would keep its name, and so block every later release.
"""

from aws_cdk import CfnCondition, CfnParameter, CfnResource, Fn, RemovalPolicy
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.fleet.spec import Serving
from infra.instances import has_local_disk
from pipelines.interface.names import Model
from pipelines.interface.paths import capture_prefix
from pipelines.interface.release_state import EMPTY, FIELDS

VARIANT = "primary"
"""Name of the production variant. It never changes: traffic can only be shifted between variants of one name."""
INVOCATIONS_PER_INSTANCE = 1000
"""Requests per minute and instance that scaling aims at."""


class ModelEndpoint(Construct):
    """SageMaker Model, EndpointConfig and Endpoint of the champion, with scaling and an alarm."""

    def __init__(self, scope: Construct, construct_id: str, *, model: Model, serving: Serving) -> None:
        super().__init__(scope, construct_id)
        state = CfnParameter(
            self,
            "ReleaseState",
            type="AWS::SSM::Parameter::Value<List<String>>",
            default=model.release_parameter,
            description=f"The release state of {model.id}: {', '.join(FIELDS)}",
        )
        state.override_logical_id("ReleaseState")
        champion = Fn.select(FIELDS.index("champion"), state.value_as_list)
        self._serves = CfnCondition(
            self, "HasChampion", expression=Fn.condition_not(Fn.condition_equals(champion, EMPTY))
        )
        self._serves.override_logical_id("HasChampion")
        resource = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=model.environment.role_arn(model.environment.job_role("serving")),
            enable_network_isolation=True,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(model_package_name=champion),
        )
        config = self._config(model, serving, resource, champion)
        scaled = serving.min_instances < serving.max_instances
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=model.endpoint,
            endpoint_config_name=config.attr_endpoint_config_name,
            # Where it is scaled, scaling owns the count of instances; a release must not reset it.
            retain_all_variant_properties=scaled,
        )
        scaling_parts = self._scaling(model, serving, endpoint) if scaled else ()
        alarm = self._alarm(model)
        for retained in (resource, config, endpoint):
            retained.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        for part in (resource, config, endpoint, *scaling_parts, alarm):
            part.cfn_options.condition = self._serves

    def _config(
        self, model: Model, serving: Serving, resource: sagemaker.CfnModel, champion: str
    ) -> sagemaker.CfnEndpointConfig:
        environment = model.environment
        key = environment.arn("kms", environment.key_alias)
        # The ARN ends in model-package/<group>/<version>; the added slashes make the selection valid for "none" too.
        version = Fn.select(2, Fn.split("/", Fn.join("", [champion, "//"])))
        options = sagemaker.CfnEndpointConfig.CaptureOptionProperty
        return sagemaker.CfnEndpointConfig(
            self,
            "Config",
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT,
                    model_name=resource.attr_model_name,
                    instance_type=serving.instance_type,
                    initial_instance_count=serving.min_instances,
                    initial_variant_weight=1,
                )
            ],
            # Instances with local disks encrypt them themselves, and SageMaker accepts no key for them.
            kms_key_id=None if has_local_disk(serving.instance_type) else key,
            data_capture_config=sagemaker.CfnEndpointConfig.DataCaptureConfigProperty(
                enable_capture=True,
                initial_sampling_percentage=serving.capture_percentage,
                destination_s3_uri=f"s3://{environment.bucket('capture')}/{capture_prefix(model.name, version)}",
                kms_key_id=key,
                capture_options=[options(capture_mode="Input"), options(capture_mode="Output")],
                capture_content_type_header=sagemaker.CfnEndpointConfig.CaptureContentTypeHeaderProperty(
                    csv_content_types=["text/csv"], json_content_types=["application/json"]
                ),
            ),
        )

    def _scaling(
        self, model: Model, serving: Serving, endpoint: sagemaker.CfnEndpoint
    ) -> tuple[scaling.CfnScalableTarget, CfnResource]:
        dimension = "sagemaker:variant:DesiredInstanceCount"
        target = scaling.CfnScalableTarget(
            self,
            "Scaling",
            service_namespace="sagemaker",
            scalable_dimension=dimension,
            resource_id=f"endpoint/{model.endpoint}/variant/{VARIANT}",
            min_capacity=serving.min_instances,
            max_capacity=serving.max_instances,
        )
        target.add_resource_dependency(endpoint)
        tracking = scaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
            target_value=INVOCATIONS_PER_INSTANCE,
            predefined_metric_specification=scaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
                predefined_metric_type="SageMakerVariantInvocationsPerInstance"
            ),
        )
        policy = scaling.CfnScalingPolicy(
            self,
            "ScalingPolicy",
            policy_name=f"{model.endpoint}-invocations",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=tracking,
        )
        return target, policy

    def _alarm(self, model: Model) -> cloudwatch.CfnAlarm:
        """Return the alarm on the endpoint's errors: one, because each costs $0.10 a month and model."""
        return cloudwatch.CfnAlarm(
            self,
            "Errors",
            alarm_name=model.alarm,
            alarm_description=f"{model.endpoint} answered a request with an error of its own in the last minute",
            namespace="AWS/SageMaker",
            metric_name="Invocation5XXErrors",
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(name="EndpointName", value=model.endpoint),
                cloudwatch.CfnAlarm.DimensionProperty(name="VariantName", value=VARIANT),
            ],
            statistic="Sum",
            period=60,
            evaluation_periods=1,
            threshold=1,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[model.environment.topic_arn],
        )
