"""Every functional test may use an environment in moto."""

from tests.support.world import credentials, world

__all__ = ["credentials", "world"]
