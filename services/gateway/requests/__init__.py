"""Reports the progress of requests, cancels them, and starts their retries."""

from services.gateway.requests.cancel import RequestCanceller
from services.gateway.requests.paused_hosts import PausedHosts
from services.gateway.requests.retry import RetryStarter
from services.gateway.requests.status import request_details, retry_after

__all__ = ["PausedHosts", "RequestCanceller", "RetryStarter", "request_details", "retry_after"]
