"""The port: what the server listens on."""

from ministack import app

from mooring.local.repairs.patching import replace


def apply() -> None:
    """Keep the server on its one port; with TLS MiniStack also listens on 443 where it may."""
    replace(app, "_port_is_bindable", lambda _original: lambda _host, _port: False)
