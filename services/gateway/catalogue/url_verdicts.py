"""Whether a catalogue's URLs can be asked for: quick for the plainly good, precise about the rest. Pure."""

import re
from typing import NamedTuple

from services.gateway.catalogue.image_urls import slot_fault
from shared.url_policy import AddressPolicy, host_name

_PLAIN_SITE = re.compile(r"https?://[a-z0-9.-]{1,200}(?::[0-9]{1,5})?", re.IGNORECASE)
_SCHEME_CHARS = len("https://")
_PLAIN_CHARS = 2000  # some fewer than a URL may have
_MAX_KEPT = 20_000


class Advised(NamedTuple):
    """What is to be said of a URL, and how to mend it."""

    problem: str
    advice: str


class Verdict(NamedTuple):
    """host: of a URL that can be asked for; None if it cannot. said: why not, or what is odd about it."""

    host: str | None
    said: Advised | None = None


_ADVICE: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), problem, advice)
    for pattern, problem, advice in (
        (r"(?:n/?a|#n/a|-+|null|none|nil|no[ _]?image|no_selection)\Z", "no URL", "Leave the cell empty."),
        (r"data:", "a data: URI, no URL", "Put the image on a web server and write its address."),
        (r"file:", "a file on a computer, no URL", "Put the image on a web server and write its address."),
        (r"[a-z]:[\\/]|\\\\", "a path on a computer, no URL", "Put the image on a web server and write its address."),
        (r"//", "the scheme is missing before //", "Write https: before it."),
        (r"https?:/(?!/)", "a slash is missing behind the scheme", "Write https:// with two slashes."),
        (r"https?:///", "a slash too many behind the scheme", "Write https:// with two slashes."),
        (r"https?:(?!/)", "the slashes are missing behind the scheme", "Write https:// with two slashes."),
        (r"(?:ftp|sftp|s3|gs)://", "not an http or https URL", "Write the image's public https:// address."),
        (r"(?!https?:)[a-z][a-z0-9+.-]*://", "not an http or https URL", "See that it begins with https://."),
        (r"(?:/|\.\.?/)", "a path without a host", "Write the whole address, with https:// and the host."),
        (r"(?:www\.|[a-z0-9-]+(?:\.[a-z0-9-]+)+/)", "the scheme is missing", "Write https:// before it."),
        (r"[^/:]+\.(?:jpe?g|png|gif|webp|avif|tiff?|bmp|svg)", "a file's name, no URL", "Write the whole address."),
        (r"https?://[^/?#]*@", "user name or password in the URL", "Write an address that anybody can open."),
        (r".*[\r\n\t]", "a line break or tab inside the URL", "Write the URL in one piece."),
    )
)
_PAGES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        (
            r"https?://(?:drive|docs)\.google\.com/(?:file/d/|open\?|drive/)",
            "A Google Drive link shows a page; write https://drive.google.com/uc?export=download&id=… instead.",
        ),
        (
            r"https?://(?:www\.)?dropbox\.com/(?!.*[?&](?:dl=1|raw=1))",
            "A Dropbox link shows a page; end it with dl=1.",
        ),
        (
            r"https?://(?:1drv\.ms|onedrive\.live\.com)/(?!.*download)",
            "A OneDrive link shows a page; write a download link.",
        ),
        (r"https?://github\.com/[^/]+/[^/]+/blob/", "A GitHub page; write its raw address."),
    )
)
_TWO_IN_ONE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|tiff?|bmp),", re.IGNORECASE)
_SECOND = Advised(
    "a comma behind an image's name; it was read as a part of one URL",
    "If there are two, the second has to begin with http:// or https://.",
)
_MAY_BE_PAGES = frozenset(
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


class UrlVerdicts:
    """Judges URLs by a policy; what it found of their hosts it keeps."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._of_sites: dict[str, Verdict] = {}

    def judge(self, url: str) -> Verdict:
        end = url.find("/", _SCHEME_CHARS)
        site = url[:end] if end > 0 else ""
        verdict = self._of_sites.get(site) or self._judge_site(site)
        if verdict is not None and len(url) < _PLAIN_CHARS and url.isascii() and url.isprintable():
            return _with_oddity(url, verdict) if verdict.host in _MAY_BE_PAGES or "," in url else verdict
        return self._judge_whole(url)

    def _judge_site(self, site: str) -> Verdict | None:
        """The verdict on all plain URLs of a site; None if it is not plain itself."""
        if _PLAIN_SITE.fullmatch(site) is None:
            return None
        if len(self._of_sites) >= _MAX_KEPT:
            self._of_sites.clear()
        return self._of_sites.setdefault(site, self._judge_whole(site))

    def _judge_whole(self, url: str) -> Verdict:
        fault = slot_fault(url, self._policy)
        if fault is None:
            return _with_oddity(url, Verdict(host_name(url)))
        return Verdict(None, advice_on(url, fault[1]))


def advice_on(url: str, detail: str) -> Advised:
    """What to say of a URL that is refused for `detail`."""
    for pattern, problem, advice in _ADVICE:
        if pattern.match(url):
            return Advised(problem, advice)
    return Advised(detail, "Write the image's public address, with https:// and its host.")


def _with_oddity(url: str, verdict: Verdict) -> Verdict:
    if _TWO_IN_ONE.search(url):
        return Verdict(verdict.host, _SECOND)
    if verdict.host in _MAY_BE_PAGES:
        for pattern, advice in _PAGES:
            if pattern.match(url):
                return Verdict(verdict.host, Advised("a link to a page, not to an image", advice))
    return verdict
