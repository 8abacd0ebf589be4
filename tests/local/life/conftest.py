"""The loop's fixtures, with an environment of their own: these tests take it down."""

from tests.local.loop.conftest import admin, arrivals, deployment, stage

__all__ = ["admin", "arrivals", "deployment", "stage"]
