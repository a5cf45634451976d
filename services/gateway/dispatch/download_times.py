"""How long successful downloads occupy a slot: averages over all requests and by request. Pure."""

from services.gateway.dispatch.averages import moved

_WEIGHT = 0.1
_UNKNOWN_SECONDS = 0.5


class DownloadTimes:
    """Exponentially weighted averages of the seconds from a dispatch to the end of its download."""

    def __init__(self) -> None:
        self._overall: float | None = None
        self._of_requests: dict[str, float] = {}

    def ended(self, request_id: str, seconds: float) -> None:
        self._overall = moved(self._overall, seconds, _WEIGHT)
        self._of_requests[request_id] = moved(self._of_requests.get(request_id), seconds, _WEIGHT)

    @property
    def seconds(self) -> float:
        """Of all requests; half a second before the first."""
        return _UNKNOWN_SECONDS if self._overall is None else self._overall

    def predicted(self, request_id: str) -> float:
        """Seconds of the next download of a request."""
        return self._of_requests.get(request_id, self.seconds)

    def forget_except(self, request_ids: set[str]) -> None:
        self._of_requests = {each: seconds for each, seconds in self._of_requests.items() if each in request_ids}
