"""Every local test may use one embedded AWS a session."""

from tests.support.embedded_aws import embedded_aws

__all__ = ["embedded_aws"]
