"""``mooring embedded``: lists what is in the embedded AWS, through AWS APIs."""

from typing import Any

import boto3
import click

from mooring.cli.terminal import home, json_option, print_json, print_table
from mooring.embedded import process


@click.command()
@json_option
def overview(as_json: bool) -> None:
    """Print whether the embedded AWS runs, and list its stacks, endpoints and running executions."""
    server = process.running(home())
    if server is None:
        if as_json:
            print_json({"running": False})
        else:
            click.echo("The embedded AWS does not run. Start it: mooring up")
        return
    places = [_place(server, account, region) for account, region in process.places(server)]
    if as_json:
        print_json({"running": True, "url": server.url, "pid": server.pid, "places": places})
        return
    click.echo(f"The embedded AWS runs at {server.url} (process {server.pid}, log {server.log})")
    if not places:
        click.echo('There is no stack in it. Deploy one: eval "$(mooring env ENVIRONMENT)" and cdk deploy')
    for kind, columns in (("stacks", ("stack", "status")), ("endpoints", ("endpoint", "status"))):
        rows = [
            (place["account"], place["region"], item["name"], item["status"])
            for place in places
            for item in place[kind]
        ]
        if rows:
            print_table(kind.capitalize(), ("account", "region", *columns), rows)
    running = [(place["account"], place["region"], item["name"]) for place in places for item in place["executions"]]
    if running:
        print_table("Running executions", ("account", "region", "execution"), running)


def _place(server: process.Server, account: str, region: str) -> dict[str, Any]:
    session = boto3.Session()

    def client(service: str) -> Any:
        return session.client(service, **process.client_options(server, account=account, region=region))  # type: ignore[call-overload]

    stacks = client("cloudformation").get_paginator("describe_stacks").paginate().build_full_result()["Stacks"]
    endpoints = client("sagemaker").list_endpoints()["Endpoints"]
    states = client("stepfunctions")
    running = [
        execution["executionArn"].split(":", 6)[6]
        for machine in states.get_paginator("list_state_machines").paginate().build_full_result()["stateMachines"]
        for execution in states.list_executions(stateMachineArn=machine["stateMachineArn"], statusFilter="RUNNING")[
            "executions"
        ]
    ]
    return {
        "account": account,
        "region": region,
        "stacks": [{"name": stack["StackName"], "status": stack["StackStatus"]} for stack in stacks],
        "endpoints": [{"name": item["EndpointName"], "status": item["EndpointStatus"]} for item in endpoints],
        "executions": [{"name": name} for name in running],
    }
