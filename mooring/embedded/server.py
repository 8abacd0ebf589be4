"""The server: MiniStack with our repairs, SageMaker, CodeBuild and CodePipeline, in one process on one loopback port.

``mooring.embedded.process`` runs it as ``python -m mooring.embedded.server --port PORT --home FOLDER``.
It writes only below the home folder and reads nothing of an earlier run, so every start is a clean start.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from mooring.embedded import certificates, proxy, supervise


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--schedule-speed", type=float, default=1.0, help="a rate of 1 hour fires every 3600/N seconds")
    parser.add_argument("--proxy-port", type=int, required=True)
    options = parser.parse_args()
    home = options.home.resolve()
    # Only the user may read the home folder: it holds a private key, data, and code that runs.
    os.umask(0o077)
    supervise.guard_own_group()
    _configure(port=options.port, home=home)

    import ministack.app  # noqa: PLC0415 - reads the variables that _configure sets

    from mooring.embedded import repairs, sagemaker  # noqa: PLC0415 - import MiniStack
    from mooring.embedded.services import (  # noqa: PLC0415 - import MiniStack
        billing,
        codebuild,
        codepipeline,
        offers,
        quotas,
        scaling,
    )

    repairs.apply(schedule_speed=options.schedule_speed)
    scaling.register()
    quotas.register()
    billing.register()
    offers.register()
    sagemaker.register(home)
    codebuild.register(home)
    codepipeline.register()
    proxy.start(port=options.proxy_port, server_port=options.port)
    # MiniStack parses sys.argv for options of its own.
    sys.argv = ["ministack"]
    ministack.app.main()


def _configure(*, port: int, home: Path) -> None:
    temporary = home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(temporary)
    tls = certificates.create(home / "tls")
    foreign = ("AWS_", "MINISTACK_", "MOTO_", "SFN_", "LAMBDA_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    for name in [name for name in os.environ if name.upper().startswith(foreign)]:
        del os.environ[name]
    os.environ.update(
        GATEWAY_PORT=str(port),
        BIND_HOST="127.0.0.1",
        AUTH="true",
        USE_SSL="1",
        MINISTACK_SSL_CERT=str(tls.certificate),
        MINISTACK_SSL_KEY=str(tls.key),
        AWS_CA_BUNDLE=str(tls.authority),
        SSL_CERT_FILE=str(tls.authority),
        NODE_EXTRA_CA_CERTS=str(tls.authority),
        TMPDIR=str(temporary),
        PERSIST_STATE="0",
        S3_PERSIST="0",
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        # A socket that does not exist: MiniStack must not list, start or stop containers of the machine's Docker.
        DOCKER_HOST=f"unix://{home}/no-docker.sock",
        LOG_LEVEL=os.environ.get("LOG_LEVEL", "INFO"),
    )


if __name__ == "__main__":
    main()
