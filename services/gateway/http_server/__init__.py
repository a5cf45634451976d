"""The HTTP server of the gateway and its middleware: request ids, access log, compression, error handlers."""

from services.gateway.http_server.compression import Compression, is_compressible, weak_etag, will_be_encoded
from services.gateway.http_server.error_handlers import install_error_handlers
from services.gateway.http_server.server import HttpServer, listen

__all__ = [
    "Compression",
    "HttpServer",
    "install_error_handlers",
    "is_compressible",
    "listen",
    "weak_etag",
    "will_be_encoded",
]
