"""Rules for untrusted URLs: which may be requested, which addresses may be dialled, how a host is named.

Pure: nothing here resolves a name or opens a socket. `shared.outbound` applies the rules when it connects.
"""

from shared.url_policy.address_guard import AddressPolicy, BlockedAddress, Network
from shared.url_policy.hosts import host_name
from shared.url_policy.settings import FetchTargetSettings, Networks, WebhookTargetSettings
from shared.url_policy.url_check import MAX_URL_CHARS, InvalidUrl, check_url, url_fault
from shared.url_policy.url_mistakes import IMAGE_SUFFIX

__all__ = [
    "IMAGE_SUFFIX",
    "MAX_URL_CHARS",
    "AddressPolicy",
    "BlockedAddress",
    "FetchTargetSettings",
    "InvalidUrl",
    "Network",
    "Networks",
    "WebhookTargetSettings",
    "check_url",
    "host_name",
    "url_fault",
]
