"""Judges a catalogue's image URLs: refused, odd, or usable. Quick for the many plain URLs of one site. Pure."""

import re
from typing import NamedTuple

from services.gateway.catalogue.url_repair import IF_TWO
from shared.url_policy import IMAGE_SUFFIX, MAX_URL_CHARS, AddressPolicy, judge_url

_PLAIN_SITE = re.compile(r"https?://[a-z0-9.-]{1,200}(?::[0-9]{1,5})?", re.IGNORECASE)
_SCHEME_CHARS = len("https://")
_MAX_SITES = 20_000


class UrlNote(NamedTuple):
    """What a finding says about a URL."""

    problem: str
    advice: str


class Verdict(NamedTuple):
    """host: the URL's host; None if the URL is refused. note: why it is refused, or what is odd about it."""

    host: str | None
    note: UrlNote | None = None


_IMAGE_PAGES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        (
            r"https?://(?:drive|docs)\.google\.com/(?:file/d/|open\?|drive/)",
            "A Google Drive link shows a page. Use https://drive.google.com/uc?export=download&id=… instead.",
        ),
        (
            r"https?://(?:www\.)?dropbox\.com/(?!.*[?&](?:dl=1|raw=1))",
            "A Dropbox link shows a page. Add dl=1 to its end.",
        ),
        (
            r"https?://(?:1drv\.ms|onedrive\.live\.com)/(?!.*download)",
            "A OneDrive link shows a page. Use its download link.",
        ),
        (r"https?://github\.com/[^/]+/[^/]+/blob/", "This is a GitHub page. Use the address of the raw file."),
    )
)
_HOSTS_WITH_PAGES = frozenset(
    {
        "drive.google.com",
        "docs.google.com",
        "dropbox.com",
        "www.dropbox.com",
        "1drv.ms",
        "onedrive.live.com",
        "github.com",
    }
)
_TWO_IN_ONE = re.compile(rf"{IMAGE_SUFFIX},", re.IGNORECASE)
_MAY_BE_TWO = UrlNote("a comma after an image's file name; all of it was read as one URL", IF_TWO)


class UrlVerdicts:
    """Judges URLs by an address policy and remembers the verdict on each site (scheme, host and port)."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._of_sites: dict[str, Verdict] = {}

    def judge(self, url: str) -> Verdict:
        end = url.find("/", _SCHEME_CHARS)
        site = url[:end] if end > 0 else ""
        verdict = self._of_sites.get(site) or self._judge_site(site)
        if verdict is not None and len(url) <= MAX_URL_CHARS and url.isascii() and url.isprintable():
            return _with_oddity(url, verdict) if verdict.host in _HOSTS_WITH_PAGES or "," in url else verdict
        return self._judge_whole(url)

    def _judge_site(self, site: str) -> Verdict | None:
        """The verdict that holds for all plain URLs of a site; None if the site itself is not plain."""
        if _PLAIN_SITE.fullmatch(site) is None:
            return None
        if len(self._of_sites) >= _MAX_SITES:
            self._of_sites.clear()
        return self._of_sites.setdefault(site, self._judge_whole(site))

    def _judge_whole(self, url: str) -> Verdict:
        host, fault = judge_url(url, self._policy)
        if fault is None:
            return _with_oddity(url, Verdict(host))
        return Verdict(None, UrlNote(fault.detail, fault.advice))


def _with_oddity(url: str, verdict: Verdict) -> Verdict:
    if _TWO_IN_ONE.search(url):
        return Verdict(verdict.host, _MAY_BE_TWO)
    if verdict.host in _HOSTS_WITH_PAGES:
        for pattern, advice in _IMAGE_PAGES:
            if pattern.match(url):
                return Verdict(verdict.host, UrlNote("a link to a page, not to an image", advice))
    return verdict
