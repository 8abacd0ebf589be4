"""Settings of every test: fake credentials, the tests' own fleet, and no deadlines."""

import os

# Before the CDK is imported, since its process takes the variables that it finds at its start: its own validation is
# off, and tests/infra/test_oracles.py validates the templates.
os.environ["CDK_VALIDATION"] = "false"

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from botocore.loaders import JSONFileLoader
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

SHARING = ("tests/local/loop/", "tests/infra/")
"""Folders whose tests share a deployed environment, and the templates: the longest groups, longest first."""

settings.register_profile("mooring", deadline=None)
settings.load_profile("mooring")

# Each botocore session parses its services' models anew: half of the time of the tests with moto.
_parse = JSONFileLoader().load_file
JSONFileLoader.load_file = staticmethod(cache(_parse))  # type: ignore[method-assign]


@pytest.fixture(scope="session", autouse=True)
def no_credentials(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tests from the AWS, the fleet and the cache of the terminal that runs them.

    Only ``make parity ACCOUNT=...`` (tests/parity) is meant for the terminal's account.
    """
    if request.config.getoption("--account", default=None):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "CDK_DEFAULT_", "MOORING_"))]:
            patch.delenv(name)
        patch.setenv("MOORING_FLEET", str(Path(__file__).parent / "support" / "fleet.yaml"))
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


class Groups(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Keeps the tests of a file in one process, and all tests of a folder that shares what is slow to make."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in SHARING if file.startswith(folder)), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Groups:
    """Give ``pytest -n`` the groups. Its own ``--dist loadgroup`` groups nothing with pytest 9.2."""
    config.option.loadscopereorder = False
    return Groups(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest groups."""
    items.sort(key=lambda item: [not item.nodeid.startswith(folder) for folder in SHARING])


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument: an archive's bytes contain times, and xdist needs the same ids in each process."""
    return argname if isinstance(val, bytes) else None
