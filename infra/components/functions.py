"""All functions of an environment: one construct for each row of ``infra.functions``."""

from dataclasses import fields
from pathlib import Path

from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import layer
from infra.components.function import Function
from infra.components.function_layer import function_layer
from infra.components.job_packages import JobPackages
from infra.fleet.promotion import Promotion
from infra.functions import FUNCTIONS
from infra.grants import Grants
from pipelines.interface.env import to_places
from pipelines.interface.names import Environment


class Functions(Construct):
    """The functions ``by_name`` of their folders in ``functions/``."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        root: Path,
        key: kms.IKey,
        dead_letters: sqs.IQueue,
        log_days: int,
        promotion: Promotion | None,
    ) -> None:
        super().__init__(scope, construct_id)
        sdk, wheels = (
            function_layer(self, name, environment=environment, description=description, wheels=built)
            for name, description, built in (
                ("Sdk", "boto3 for all functions", layer.SDK),
                ("Wheels", "numpy and msgspec for the functions that compute", layer.WHEELS),
            )
        )
        values = {
            "team": environment.team,
            "data_bucket": environment.bucket("data"),
            "stage": environment.stage,
            "account": environment.account,
            "region": environment.region,
            "key_arn": key.key_arn,
            "log_days": str(log_days),
            "packages_uri": JobPackages(self, "JobPackages").uri,
            **(_promotion_values(promotion) if promotion else {}),
        }
        self.by_name: dict[str, lambda_.Function] = {}
        for spec in FUNCTIONS:
            if not spec.has(promotion):
                continue
            self.by_name[spec.name] = Function(
                self,
                "".join(word.capitalize() for word in spec.name.split("_")),
                spec=spec,
                statements=spec.may(Grants(environment, promotion)),
                env=spec.env(**{field.name: values[field.name] for field in fields(spec.env)}),
                root=root,
                key=key,
                dead_letters=dead_letters,
                layers=[sdk, wheels] if spec.layer else [sdk],
                log_days=log_days,
            ).function


def _promotion_values(promotion: Promotion) -> dict[str, str]:
    return {
        "tooling_place": to_places([promotion.tooling]),
        "later_stages": ",".join(promotion.later_stages),
        "trainer_places": to_places(promotion.trainers),
        "source_place": to_places([promotion.source] if promotion.source else []),
        "stages": ",".join(promotion.stages),
    }
