"""An S3 server in a process of its own: moto's, which keeps everything in memory."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# One request at a time: moto answers 500 to a put that meets another of the same key.
_SERVER = """
import sys
from threading import Lock, Thread
from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

backend, turn = DomainDispatcherApplication(create_backend_app), Lock()

def application(environ, start_response):
    with turn:
        return list(backend(environ, start_response))

server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler)
Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()  # until the parent closes it or dies
"""


@contextmanager
def open_s3_server() -> Iterator[str]:
    """Its URL as OBJECT_STORE_URL has it, with a bucket that does not exist yet."""
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(server.stdout.readline())
        yield f"s3://a%2Bkey:a%2Fsecret%40@127.0.0.1:{port}/imagemill-test?secure=0"
        server.stdin.close()
