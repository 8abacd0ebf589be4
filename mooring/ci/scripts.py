"""Parts of scripts that several renderers use: the role of a step, and posting the comment with curl."""

import shlex

from mooring.ci.comment import MARKER
from mooring.ci.model import FOLDER, Role, Step

TOKEN_FILE = f"{FOLDER}/token"
FIND = (
    'python -c \'import json, sys; print(next((str(each["id"]) for each in json.load(sys.stdin)'
    f' if each["body"].startswith("{MARKER}")), ""))\''
)
"""Print the id of the comment that begins with the marker, out of a list of comments in JSON."""


def role_variables(role: Role) -> dict[str, str]:
    """Return the variables by which every SDK assumes a role with the token in ``TOKEN_FILE``."""
    return {
        "AWS_REGION": role.region,
        "AWS_ROLE_ARN": role.arn,
        "AWS_ROLE_SESSION_NAME": "mooring-ci",
        "AWS_WEB_IDENTITY_TOKEN_FILE": TOKEN_FILE,
    }


def script(step: Step, *, token: str, post: str) -> str:
    """Return a step's whole script; ``token`` prints the job's token, and ``post`` posts the comment."""
    lines = [step.run]
    if step.role:
        exports = [f"export {name}={shlex.quote(value)}" for name, value in role_variables(step.role).items()]
        lines = [f"{token} > {TOKEN_FILE}", *exports, step.run]
    if step.posts:
        lines.append(post)
    return "\n".join(lines)


def post_with_curl(*, header: str, comments: str, comment: str, update: str, only_if: str, without: str) -> str:
    """Return the script that posts the comment, or updates the one that an earlier run posted.

    ``comments`` lists them and takes a new one; ``comment`` is the address of one, before its id, which ``update``
    changes. If ``only_if`` is false, the script prints ``without`` and posts nothing.
    """
    return "\n".join(
        (
            f"if ! [[ {only_if} ]]; then echo {shlex.quote(without)}; exit 0; fi",
            f'api() {{ curl --silent --show-error --fail --header "{header}" "$@"; }}',
            f'id=$(api "{comments}?per_page=100&sort=asc" | {FIND})',
            f'if [ -n "$id" ]; then method={update}; address="{comment}/$id"',
            f'else method=POST; address="{comments}"; fi',
            'api --request "$method" --header "Content-Type: application/json" '
            f'--data @{FOLDER}/comment.json --output {FOLDER}/posted.json "$address"',
        )
    )


def post_to_github(*, repository: str, number: str, token: str) -> str:
    """Return the script for GitHub's API without its command-line interface."""
    api = f"https://api.github.com/repos/{repository}/issues"
    return post_with_curl(
        header=f"Authorization: Bearer ${{{token}}}",
        comments=f"{api}/{number}/comments",
        comment=f"{api}/comments",
        update="PATCH",
        only_if=f'-n "{number}" && -n "${{{token}:-}}"',
        without=f"Not posted: there is no pull request yet, or {token} is not set.",
    )
