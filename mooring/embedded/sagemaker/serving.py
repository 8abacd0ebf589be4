"""Serve an endpoint's variant over HTTP, under the inference contract of SageMaker's scikit-learn container.

This file runs as ``python -P serving.py MODEL_DIR PORT_FILE`` in a process of its own. It imports only the standard
library, numpy if the default functions are used, and the model's own code. ``SAGEMAKER_PROGRAM`` (a module in
``SAGEMAKER_SUBMIT_DIRECTORY``) defines ``model_fn`` and may define ``input_fn``, ``predict_fn``, ``output_fn`` or, in
place of the three, ``transform_fn``.
"""

import importlib
import io
import json
import os
import sys
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CSV, JSON, NPY = "text/csv", "application/json", "application/x-npy"


class ContentError(Exception):
    """Refusal of a content type that the functions cannot read (415) or write (406)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def default_input(content: str | bytes, content_type: str) -> Any:
    """Return the rows as a numpy array; text becomes float32, as in the container."""
    import numpy as np  # noqa: PLC0415 - a model with its own functions may not need numpy

    if content_type == NPY:
        assert isinstance(content, bytes)
        return np.load(io.BytesIO(content), allow_pickle=False)
    if content_type == JSON:
        return np.array(json.loads(content)).astype(np.float32)
    if content_type == CSV:
        assert isinstance(content, str)
        return np.genfromtxt(io.StringIO(content), dtype=np.float32, delimiter=",")
    raise ContentError(415, f"content type {content_type!r} is none of {CSV}, {JSON}, {NPY}")


def default_predict(data: Any, model: Any) -> Any:
    """Return ``model.predict(data)``."""
    return model.predict(data)


def default_output(prediction: Any, accept: str) -> tuple[bytes, str]:
    """Return the prediction as JSON, CSV or npy, and its content type."""
    import numpy as np  # noqa: PLC0415 - as above

    if accept == JSON:
        plain = prediction.tolist() if hasattr(prediction, "tolist") else prediction
        return json.dumps(plain).encode(), accept
    sink = io.BytesIO()
    if accept == CSV:
        np.savetxt(sink, np.atleast_1d(np.asarray(prediction)), delimiter=",", fmt="%s")
    elif accept == NPY:
        np.save(sink, np.asarray(prediction))
    else:
        raise ContentError(406, f"accept {accept!r} is none of {JSON}, {CSV}, {NPY}")
    return sink.getvalue(), accept


class Model:
    """The loaded model and the functions that read requests, predict and write answers."""

    def __init__(self, model_dir: str, module: Any) -> None:
        if not hasattr(module, "model_fn"):
            raise SystemExit(
                f"{module.__name__} has no model_fn: define model_fn(model_dir), which loads the model and returns it"
            )
        self._model = module.model_fn(model_dir)
        self._input: Callable[..., Any] = getattr(module, "input_fn", default_input)
        self._predict: Callable[..., Any] = getattr(module, "predict_fn", default_predict)
        self._output: Callable[..., Any] = getattr(module, "output_fn", default_output)
        self._transform: Callable[..., Any] | None = getattr(module, "transform_fn", None)

    def answer(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """Return the body and content type of the answer."""
        bare = content_type.partition(";")[0].strip()
        content = body.decode("utf-8") if bare in (CSV, JSON) else body
        if self._transform is not None:
            result = self._transform(self._model, content, content_type, accept)
        else:
            result = self._output(self._predict(self._input(content, bare), self._model), accept)
        answer, kind = result if isinstance(result, tuple) else (result, accept)
        return answer.encode() if isinstance(answer, str) else bytes(answer), kind


def handler_for(model: Model) -> type[BaseHTTPRequestHandler]:
    """Return an HTTP handler class that answers with the model."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 64 * 1024

        def do_GET(self) -> None:
            self._send(200 if self.path == "/ping" else 404, b"", "text/plain")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path != "/invocations":
                return self._send(404, b"", "text/plain")
            accept = self.headers.get("Accept", "*/*")
            if accept in ("", "*/*"):
                accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", JSON)
            try:
                answer, kind = model.answer(body, self.headers.get("Content-Type", CSV), accept)
            except ContentError as error:
                return self._send(error.status, str(error).encode(), "text/plain")
            except Exception as error:
                traceback.print_exc()
                return self._send(500, f"{type(error).__name__}: {error}".encode(), "text/plain")
            return self._send(200, answer, kind)

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing: an endpoint's log holds only the output of its model."""

    return Handler


class Server(ThreadingHTTPServer):
    """HTTP server with one thread per connection; the embedded AWS keeps its connections open."""

    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    """Load the model, listen on a free loopback port, and write the port to a file once requests can be answered."""
    model_dir, port_file = sys.argv[1], Path(sys.argv[2])
    sys.path.insert(0, os.environ["SAGEMAKER_SUBMIT_DIRECTORY"])
    module = importlib.import_module(os.environ["SAGEMAKER_PROGRAM"].removesuffix(".py"))
    server = Server(("127.0.0.1", 0), handler_for(Model(model_dir, module)))
    written = port_file.with_suffix(".new")
    written.write_text(str(server.server_address[1]))
    written.rename(port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
