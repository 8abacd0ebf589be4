"""Settings of every test: fake credentials, the tests' own fleet, and no deadlines."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

LOOP = Path(__file__).parent / "local" / "loop"

settings.register_profile("mooring", deadline=None)
settings.load_profile("mooring")


@pytest.fixture(scope="session", autouse=True)
def no_credentials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tests from the AWS, the fleet and the cache of the terminal that runs them."""
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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what shares a fixture in one process: a file's tests, and all that need the deployed environment.

    The latter are the longest group, so they begin first.
    """
    items.sort(key=lambda item: not _is_loop(item))
    for item in items:
        item.add_marker(pytest.mark.xdist_group("loop" if _is_loop(item) else item.path.as_posix()))


def _is_loop(item: pytest.Item) -> bool:
    return item.path.is_relative_to(LOOP)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument: an archive's bytes contain times, and xdist needs the same ids in each process."""
    return argname if isinstance(val, bytes) else None
