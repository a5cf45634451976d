"""Rules for untrusted URLs: which may be requested, which addresses may be dialled, how a host is named.

Pure: nothing here resolves a name or opens a socket. `shared.outbound` applies the rules when it connects.
"""

from shared.url_policy.address_guard import AddressPolicy, BlockedAddress, Network
from shared.url_policy.settings import FetchTargetSettings, Networks, WebhookTargetSettings
from shared.url_policy.url_check import check_redirect, check_url, judge_url, normal_webhook_url
from shared.url_policy.url_mistakes import IMAGE_SUFFIX
from shared.url_policy.web_url import MAX_URL_CHARS, InvalidUrl, WebUrl, host_name, parse_url

__all__ = [
    "IMAGE_SUFFIX",
    "MAX_URL_CHARS",
    "AddressPolicy",
    "BlockedAddress",
    "FetchTargetSettings",
    "InvalidUrl",
    "Network",
    "Networks",
    "WebUrl",
    "WebhookTargetSettings",
    "check_redirect",
    "check_url",
    "host_name",
    "judge_url",
    "normal_webhook_url",
    "parse_url",
]
