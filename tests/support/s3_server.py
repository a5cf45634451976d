"""moto's S3 server in its own process; it keeps everything in memory and can log the requests that it gets."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# One request at a time: moto responds with 500 to concurrent puts under the same key.
_SERVER = """
import sys
from threading import Lock, Thread
from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

backend, lock = DomainDispatcherApplication(create_backend_app), Lock()
log = open(sys.argv[1], "a") if len(sys.argv) > 1 else None

def application(environ, start_response):
    with lock:
        if log:
            print(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"], file=log, flush=True)
        return list(backend(environ, start_response))

server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler)
Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()  # until the parent closes it or dies
"""


@contextmanager
def open_s3_server(log: Path | None = None) -> Iterator[str]:
    """An OBJECT_STORE_URL of the server, with a bucket that does not exist yet.

    log: file to which the server appends a line for each request: method, path and query, separated by spaces.
    """
    arguments = [str(log)] if log else []
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", _SERVER, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(server.stdout.readline())
        yield f"s3://a%2Bkey:a%2Fsecret%40@127.0.0.1:{port}/imagemill-test?secure=0"
        server.stdin.close()
