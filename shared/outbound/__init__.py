"""The HTTP client for untrusted URLs: it connects only to addresses that the URL policy allows."""

from shared.outbound.client import open_guarded_client
from shared.outbound.connection import TlsError
from shared.outbound.dialer import NameNotResolved

__all__ = ["NameNotResolved", "TlsError", "open_guarded_client"]
