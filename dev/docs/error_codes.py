"""Writes docs/errors.md: `python -m dev.docs.error_codes > docs/errors.md`."""

import sys

from shared.contracts.error_codes import ERROR_GUIDES, ErrorCode, ErrorGuide

_HEAD = """\
# Why an image failed

Every failed image has one of these codes, in `report.csv`, `report.json`, `failed.csv`, the status and the events; the
detail beside it is for people. The list is closed: a later version may add a code, but changes none.

**Retryable**: it may pass though nobody mends anything. Imagemill has then tried several times already, so give it some
time before you retry the request. What is not retryable fails again until somebody mends it. **Owner**: who has to act:
`csv`, whoever made the catalogue; `host`, whoever keeps the images; `us`, whoever runs Imagemill.

This page is made from `shared/contracts/error_codes.py`; after a change there run
`python -m dev.docs.error_codes > docs/errors.md`.

| code | when | retryable | whose | advice |
|---|---|---|---|---|
"""


def errors_document() -> str:
    """The page's text, in Markdown."""
    return _HEAD + "".join(_row(code, guide) for code, guide in ERROR_GUIDES.items())


def _row(code: ErrorCode, guide: ErrorGuide) -> str:
    retryable = "yes" if guide.retryable else "no"
    return f"| `{code}` | {guide.when} | {retryable} | {guide.owner} | {guide.advice} |\n"


if __name__ == "__main__":
    sys.stdout.write(errors_document())
