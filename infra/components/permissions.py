"""What each function may do, besides writing its own log: the table of docs/reference/flows.md as policy statements."""

from aws_cdk import aws_iam as iam

from infra.components.policies import allow, pass_role
from pipelines.interface.landing import PREFIX, quarantine_prefix
from pipelines.interface.names import Environment

Statements = list[iam.PolicyStatement]


class Permissions:
    """``of(function)`` gives its statements; every resource is this environment's."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        artifacts = f"arn:aws:s3:::{environment.bucket('artifacts')}"
        capture = f"arn:aws:s3:::{environment.bucket('capture')}"
        data = f"arn:aws:s3:::{environment.bucket('data')}"
        read_runs = allow(["s3:GetObject"], f"{artifacts}/runs/*")
        # With the right to list, a missing file is "missing" and not "denied".
        list_artifacts = allow(["s3:ListBucket"], artifacts)
        settings, release = self._parameter("settings"), self._parameter("release")
        key_parameter = environment.arn("ssm", f"parameter{environment.key_parameter}")
        packages = self._sagemaker("model-package")
        groups = self._sagemaker("model-package-group")
        describe_package = allow(["sagemaker:DescribeModelPackage"], packages)
        read = ["dynamodb:GetItem"]
        update = [*read, "dynamodb:UpdateItem"]
        put = [*read, "dynamodb:PutItem"]
        put_update = [*update, "dynamodb:PutItem"]
        everything = [*put_update, "dynamodb:DeleteItem"]
        tell = [
            allow(["events:PutEvents"], environment.arn("events", f"event-bus/{environment.bus}")),
            allow(["sns:Publish"], environment.topic_arn),
        ]
        machine = environment.state_machine("release")
        executions = allow(["states:DescribeExecution"], environment.arn("states", f"execution:{machine}:*"))
        read_release = allow(["ssm:GetParameter"], release)
        write_release = allow(["ssm:GetParameter", "ssm:PutParameter"], release)
        count_traffic = [
            allow(["ssm:GetParameter"], settings, release),
            describe_package,
            list_artifacts,
            allow(["s3:GetObject"], f"{capture}/*"),
            allow(["s3:PutObject"], f"{capture}/quarantine/*"),
            read_runs,
            allow(["s3:GetObject", "s3:PutObject"], f"{artifacts}/checks/*"),
        ]
        self._statements: dict[str, Statements] = {
            "take_lease": [allow(["ssm:GetParameter"], settings), self._ledger(put_update)],
            "plan_run": [
                allow(["ssm:GetParameter"], settings, release, key_parameter),
                self._ledger(update),
                allow(["s3:GetObject"], f"{data}/datasets/*"),
                allow(["s3:ListBucket"], data),
                allow(["s3:PutObject"], f"{artifacts}/runs/*"),
                # A run keeps its code: of the newest deployment, or of the run that it reproduces.
                allow(["s3:GetObject"], self._code_bundles()),
                read_runs,
                list_artifacts,
                describe_package,
            ],
            "compare_reproduction": [read_runs, list_artifacts],
            "judge_candidate": [allow(["ssm:GetParameter"], settings), read_runs, list_artifacts],
            "register_candidate": [
                allow(["ssm:GetParameter"], settings),
                read_runs,
                list_artifacts,
                self._ledger(update),
                allow(["sagemaker:CreateModelPackage"], groups, packages),
                # AWS does not say which resource a list of one group's packages is.
                allow(["sagemaker:ListModelPackages"], "*"),
                allow(["sagemaker:AddTags"], packages),
                describe_package,
            ],
            "finish_run": [self._ledger(put_update), *tell],
            "approve_package": [
                allow(["sagemaker:UpdateModelPackage"], packages),
                describe_package,
                allow(["ssm:GetParameter"], settings),
                self._ledger(update),
            ],
            "begin_release": [
                describe_package,
                read_runs,
                list_artifacts,
                self._ledger(everything),
                write_release,
                executions,
                self._stacks("DescribeStacks"),
                self._endpoints(),
            ],
            "update_serving": [
                self._stacks("DescribeStacks", "ContinueUpdateRollback"),
                self._update_stacks(),
                pass_role(environment.role_arn(environment.release_deployer_role), "cloudformation"),
                write_release,
                # UpdateStack resolves the release state; whether as its caller or as the role, AWS does not say.
                allow(["ssm:GetParameters"], release),
                self._ledger(update),
                self._endpoints(),
            ],
            "read_serving": [self._stacks("DescribeStacks", "DescribeStackEvents"), read_release],
            "verify_release": [
                self._stacks("DescribeStacks"),
                self._endpoints(),
                describe_package,
                allow(["sagemaker:InvokeEndpoint"], self._sagemaker("endpoint")),
                read_runs,
                list_artifacts,
            ],
            "finish_release": [
                self._ledger(everything),
                write_release,
                self._stacks("DescribeStacks"),
                executions,
                self._endpoints(),
                allow(["sagemaker:DeleteEndpointConfig", "sagemaker:DeleteModel"], *self._generated()),
                *tell,
            ],
            "drift_check": [
                *count_traffic,
                allow(["s3:ListBucket"], capture),
                allow(["states:StartExecution"], environment.state_machine_arn("checks")),
                self._ledger([*put, "dynamodb:Query"]),
                *tell,
            ],
            "count_batch": count_traffic,
            "conclude_check": [
                allow(["ssm:GetParameter"], settings, release),
                describe_package,
                list_artifacts,
                read_runs,
                allow(["s3:GetObject", "s3:PutObject"], f"{artifacts}/checks/*"),
                self._ledger([*put, "dynamodb:Query"]),
                *tell,
            ],
            "land_files": [
                allow(["s3:ListBucket"], data),
                allow(["s3:ListBucketVersions"], data, conditions={"StringLike": {"s3:prefix": [f"{PREFIX}*"]}}),
                # Deleting many objects at once asks for both kinds of deletion.
                allow(["s3:GetObjectVersion", "s3:DeleteObjectVersion", "s3:DeleteObject"], f"{data}/{PREFIX}*"),
                allow(["s3:GetObject", "s3:PutObject"], f"{data}/datasets/*", f"{data}/{quarantine_prefix('*', '*')}*"),
                allow(["ssm:GetParametersByPath"], environment.arn("ssm", f"parameter/mooring/{environment.id}/*")),
                self._ledger(put_update),
                allow(
                    ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
                    environment.arn("sqs", environment.landing_queue),
                ),
                *tell,
            ],
            "create_release_states": [
                write_release,
                allow(["sagemaker:DescribeEndpoint"], self._sagemaker("endpoint")),
            ],
        }

    def of(self, function: str) -> Statements:
        return self._statements[function]

    def _parameter(self, kind: str) -> str:
        return self._environment.arn("ssm", f"parameter/mooring/{self._environment.id}/*/{kind}")

    def _sagemaker(self, kind: str) -> str:
        return self._environment.arn("sagemaker", f"{kind}/{self._environment.id}-*")

    def _code_bundles(self) -> str:
        """The models' code bundles among the account's assets: templates and functions end otherwise."""
        return f"arn:aws:s3:::cdk-*-assets-{self._environment.account}-{self._environment.region}/*.gz"

    def _generated(self) -> list[str]:
        """Models and configs are named by CloudFormation."""
        return [self._environment.arn("sagemaker", f"{kind}/*") for kind in ("endpoint-config", "model")]

    def _ledger(self, actions: list[str]) -> iam.PolicyStatement:
        return allow(actions, self._environment.arn("dynamodb", f"table/{self._environment.ledger_table}"))

    def _endpoints(self) -> iam.PolicyStatement:
        actions = ["sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig", "sagemaker:DescribeModel"]
        return allow(actions, self._sagemaker("endpoint"), *self._generated())

    def _serving_stacks(self) -> str:
        return self._environment.arn("cloudformation", f"stack/{self._environment.id}-*-serving/*")

    def _stacks(self, *actions: str) -> iam.PolicyStatement:
        return allow([f"cloudformation:{action}" for action in actions], self._serving_stacks())

    def _update_stacks(self) -> iam.PolicyStatement:
        environment = self._environment
        role = {"StringEquals": {"cloudformation:RoleArn": environment.role_arn(environment.release_deployer_role)}}
        return allow(["cloudformation:UpdateStack"], self._serving_stacks(), conditions=role)
