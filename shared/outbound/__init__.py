"""The HTTP client for untrusted URLs: it connects only to addresses that the URL policy allows."""

from shared.outbound.client import GuardedClient, open_guarded_client
from shared.outbound.connection import BadResponse, IncompleteBody
from shared.outbound.dialer import NameNotResolved, TlsError

__all__ = ["BadResponse", "GuardedClient", "IncompleteBody", "NameNotResolved", "TlsError", "open_guarded_client"]
