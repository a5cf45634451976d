"""Where a client finds the request that it has just created or retried. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_FIRST_STATUS_SECONDS = 2  # a small catalogue takes about as long


@dataclass(frozen=True, slots=True)
class Locations:
    """Builds URLs of the API for headers. `public_base_url` may have a path, where a proxy publishes the API."""

    public_base_url: str

    def of_status(self, request_id: str) -> Mapping[str, str]:
        """The header of a response about a request that has finished."""
        return {"Location": f"{self._prefix}/status?request_id={request_id}"}

    def of_accepted(self, request_id: str) -> Mapping[str, str]:
        """The headers of a 202: the status of the request, and when to ask for it first."""
        return {**self.of_status(request_id), "Retry-After": str(_FIRST_STATUS_SECONDS)}

    def of_deliveries(self, request_id: str) -> str:
        return f"{self._prefix}/requests/{request_id}/deliveries"

    @property
    def _prefix(self) -> str:
        return urlsplit(self.public_base_url).path.rstrip("/")
