"""The server: MiniStack, repaired, with SageMaker beside it, in one process on one loopback port.

Run as ``python -m mooring.embedded.server --port PORT --home FOLDER``; ``mooring.embedded.process`` does that.
Everything it writes lies in the home folder, and nothing of an earlier run is read: every start is a clean start.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from mooring.embedded import certificates, supervise


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--schedule-speed", type=float, default=1.0, help="a rate of 1 hour fires every 3600/N seconds")
    options = parser.parse_args()
    home = options.home.resolve()
    # A key, data, and code that runs: nobody else's business.
    os.umask(0o077)
    supervise.guard_own_group()
    _configure(port=options.port, home=home)

    import ministack.app  # noqa: PLC0415 - reads the variables that _configure sets

    from mooring.embedded import repairs, sagemaker  # noqa: PLC0415 - import MiniStack
    from mooring.embedded.services import scaling  # noqa: PLC0415 - import MiniStack

    repairs.apply(schedule_speed=options.schedule_speed)
    scaling.register()
    sagemaker.register(home)
    # MiniStack reads the command line for options of its own.
    sys.argv = ["ministack"]
    ministack.app.main()


def _configure(*, port: int, home: Path) -> None:
    temporary = home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(temporary)
    made = certificates.create(home / "tls")
    for name in [name for name in os.environ if name.startswith(("AWS_", "MINISTACK_", "MOTO_", "SFN_", "LAMBDA_"))]:
        del os.environ[name]
    os.environ.update(
        GATEWAY_PORT=str(port),
        BIND_HOST="127.0.0.1",
        AUTH="true",
        USE_SSL="1",
        MINISTACK_SSL_CERT=str(made.certificate),
        MINISTACK_SSL_KEY=str(made.key),
        AWS_CA_BUNDLE=str(made.authority),
        SSL_CERT_FILE=str(made.authority),
        NODE_EXTRA_CA_CERTS=str(made.authority),
        TMPDIR=str(temporary),
        PERSIST_STATE="0",
        S3_PERSIST="0",
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        # Never look for, start or stop containers of the machine's own Docker.
        DOCKER_HOST=f"unix://{home}/no-docker.sock",
        LOG_LEVEL=os.environ.get("LOG_LEVEL", "INFO"),
    )


if __name__ == "__main__":
    main()
