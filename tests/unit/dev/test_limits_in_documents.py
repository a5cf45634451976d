"""The documents state the limits that the code has. Where the limit is a setting, test_references.py compares it."""

import re
from datetime import timedelta

import pytest

from dev.docs.env_example import settings_of
from services.aggregator.call_webhook import EXCERPT_BYTES
from services.compressor.auto_format import MAX_COMPARED_PIXELS
from services.compressor.decoders.few_colours import MAX_COVERAGES, MAX_FEW_COLOURS
from services.compressor.decoders.open import MAX_ANIMATION_FACTOR
from services.compressor.encoders import avif, webp
from services.compressor.encoders.jpeg.ladder import MAX_GAIN_MAP_PART
from services.compressor.lanes import SLOW_SECONDS
from services.compressor.rate_control.target_size import GOOD_ENOUGH, SCALED_FILL, WELL_FILLED
from services.compressor.rendition import MAX_ANIMATION_PIXELS, MAX_ANIMATION_PIXELS_IN
from services.compressor.worker import BUSY_SHARE
from services.gateway.catalogue import MAX_FINDINGS, MIN_WARNINGS
from services.gateway.catalogue.hosts import MAX_LISTED
from services.gateway.dispatch import decoder_room, download_room, host_limits, reading, waiting
from services.gateway.probe.estimate import MIN_FOR_INTERVAL
from services.gateway.probe.plan import MAX_HOSTS, MAX_IMAGES
from services.gateway.requests.status import MAX_PAUSE_SECONDS, MAX_POLL_SECONDS, MIN_POLL_SECONDS
from services.gateway.webhooks import MAX_BODY_BYTES
from shared.contracts.deliveries import MAX_LOGGED_REPLAYS
from shared.contracts.image_summary import (
    MAX_HOSTS_COMPARED,
    MAX_HOSTS_LISTED,
    MAX_KEPT_ORIGINAL_URLS,
    MAX_SLOWEST_LISTED,
)
from shared.contracts.messages import WEBHOOK_TESTS_AT_ONCE
from shared.file_types import HEAD_BYTES
from shared.messaging.dependency_gate import MAX_PING_INTERVAL_SECONDS
from shared.messaging.hold import LIMIT_SECONDS as HOLD_SECONDS
from shared.messaging.subscription import RETRY_FOR_SECONDS
from shared.messaging.topology import EXPIRING_QUEUES, Queue
from shared.outbound.connection import BLOCK_BYTES
from shared.outbound.response_parser import (
    FREE_FRAMING_BYTES,
    MAX_HEAD_BYTES,
    MAX_HEAD_LINES,
    PAYLOAD_PER_FRAMING,
)
from shared.persistence import LOOK_AHEAD
from shared.persistence.request_repositories import COUNT_EVERY
from tests.corpus.look import MOMENTS
from tests.corpus.verdict import MAX_ALPHA, MAX_MEAN, MAX_SHIFT
from tests.oracle import browser as oracle
from tests.oracle.difference import MOST_TILES, TILE
from tests.support.tree import ROOT

_MEGA = 1_000_000
_TIMES = {3: "three", 4: "four", 6: "six", 8: "eight"}
_IN_WORDS = {
    0.1: "a tenth",
    0.125: "an eighth",
    0.25: "a quarter of a second",
    0.5: "half a second",
    1: "a second",
    2: "two seconds",
}
_SHARES = {0.75: "three quarters", 0.5625: "nine sixteenths", 1 / 6: "a sixth"}
_OF_ONE_REQUEST = download_room.FREE_FACTOR / (download_room.FREE_FACTOR + 1)
_CLIENT = "docs/decisions/0005-one-guarded-http-client.md"
_DISPATCH = "docs/decisions/0028-dispatch-by-capacity.md"
_PROBE_QUEUE = EXPIRING_QUEUES[Queue.PROBE]
_FINDINGS = f"At most {MAX_FINDINGS:,} are listed; {MIN_WARNINGS} of these places are kept for warnings"
_DOWNLOADER = settings_of("downloader")
_SLOWEST_BYTES = _DOWNLOADER["FETCH_MIN_SPEED"].default * _DOWNLOADER["FETCH_TOTAL_TIMEOUT"].default
_SPOOL_BYTES = _DOWNLOADER["FETCH_CONCURRENCY"].default * _DOWNLOADER["FETCH_MAX_BYTES"].default


def _in_file(path: str, pattern: str) -> list[str]:
    return re.findall(pattern, (ROOT / path).read_text(encoding="utf-8"))


def _interval(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


[_GRACE] = _in_file("deploy/kubernetes/base/gateway.yaml", r"terminationGracePeriodSeconds: (\d+)")
[_CONSUMER_TIMEOUT] = _in_file("deploy/rabbitmq/20-imagemill.conf", r"consumer_timeout = (\d+)")
_KUBERNETES = _in_file("deploy/kubernetes/check.sh", r"-k ([\d.]+)")
_INTERVALS = [_interval(seconds) for seconds in settings_of("aggregator")["WEBHOOK_SCHEDULE"].default]

STATED = [
    ("docs/api.md", _FINDINGS),
    ("docs/csv.md", _FINDINGS),
    ("docs/api.md", f"for at most {MAX_LISTED:,} hosts"),
    ("docs/api.md", f"of the {MAX_HOSTS} hosts with the most images, and at most {MAX_IMAGES} images in all"),
    ("docs/api.md", f"requests the first {HEAD_BYTES:,} bytes of each image"),
    ("docs/api.md", f"They are null with fewer than {MIN_FOR_INTERVAL} sizes"),
    ("docs/api.md", f"counted again at most every {COUNT_EVERY // timedelta(seconds=1)} seconds"),
    ("docs/api.md", f"{MIN_POLL_SECONDS} to {MAX_POLL_SECONDS} seconds, depending on the number of pending images"),
    ("docs/api.md", f"the time until the first pause ends, at most {MAX_PAUSE_SECONDS // 60} minutes"),
    ("docs/output.md", f"`kept_originals.urls` lists up to {MAX_KEPT_ORIGINAL_URLS} of them"),
    ("docs/output.md", f"`hosts` lists the {MAX_HOSTS_LISTED} hosts with the most images"),
    ("docs/output.md", f"the {MAX_SLOWEST_LISTED} hosts with the longest mean download"),
    (
        "docs/output.md",
        f"of the {MAX_HOSTS_COMPARED:,} hosts with the most images",
    ),
    ("docs/messages.md", f"expires after {_PROBE_QUEUE.seconds} seconds"),
    ("docs/messages.md", f"at most {_PROBE_QUEUE.max_length:,} messages wait"),
    ("docs/messages.md", f"a message is delivered at most {_PROBE_QUEUE.deliveries} times"),
    ("docs/architecture.md", f"After {RETRY_FOR_SECONDS:g} seconds of retries the process closes its gate"),
    ("docs/architecture.md", f"pings grow from 1 to {MAX_PING_INTERVAL_SECONDS:g} seconds"),
    ("docs/architecture.md", f"waits up to {HOLD_SECONDS / 60:g} minutes for the store"),
    ("docs/runbook.md", f"for {HOLD_SECONDS / 60:g} minutes, what they have downloaded or compressed"),
    ("docs/runbook.md", f"resumes within seconds, at most {MAX_PING_INTERVAL_SECONDS * 1.5:g}"),
    ("docs/glossary.md", f"pictures that take longer than {_IN_WORDS[SLOW_SECONDS]}"),
    ("docs/architecture.md", f"the ones among its first {LOOK_AHEAD:,} due images are sent"),
    ("docs/architecture.md", f"names at most {reading.HOSTS_LEFT_OUT} full hosts"),
    ("docs/architecture.md", f"It reads at most {reading.MAX_READS} times in a step"),
    ("docs/architecture.md", f"of that request every {_IN_WORDS[waiting.LONGEST_PAUSE]}"),
    ("docs/architecture.md", f"for {waiting.READ_AGAIN_PER_SECOND} of them a second"),
    (_DISPATCH, f"stand behind more than {LOOK_AHEAD:,} due images"),
    (_DISPATCH, f"A picture that runs longer than {_IN_WORDS[SLOW_SECONDS]} while others wait moves"),
    (_DISPATCH, f"a download (at most {_IN_WORDS[decoder_room.MAX_DOWNLOAD_SECONDS]}) plus"),
    (_DISPATCH, f"work off in {_IN_WORDS[decoder_room.QUEUE_SECONDS]} and half of that mean time"),
    (_DISPATCH, f"no image counts more than {_IN_WORDS[decoder_room.SLOW_MS / 1000]}, and"),
    (_DISPATCH, f"A download counts for {_IN_WORDS[decoder_room.LATE_SECONDS]}, and"),
    (_DISPATCH, f"the window of its request for {_IN_WORDS[decoder_room.ARRIVAL_SECONDS]}"),
    (_DISPATCH, f"was not slow ({_IN_WORDS[decoder_room.SLOW_MS / 1000]}) adds"),
    (_DISPATCH, f"hosts on trial share {_SHARES[download_room.TRIAL_SHARE]} of the"),
    (_DISPATCH, f"one request alone gets {_SHARES[_OF_ONE_REQUEST * download_room.TRIAL_SHARE]} for them"),
    (_DISPATCH, f"such hosts of one request get {_SHARES[_OF_ONE_REQUEST * download_room.TRIAL_SHARE]} of the slots"),
    (_DISPATCH, f"a download there has ended within {_IN_WORDS[host_limits.PROMPT_SECONDS]}"),
    (_DISPATCH, f"{_TIMES[download_room.FREE_FACTOR]} times as many downloads as are free"),
    (_DISPATCH, f"at most {_TIMES[decoder_room.UNTRIED_FACTOR]} times the first one"),
    (_DISPATCH, f"the slow lane has {_TIMES[decoder_room.SLOW_PER_SLOT]} pictures for each of its places"),
    (_CLIENT, f"One event-loop callback handles at most {BLOCK_BYTES // 1024} kB"),
    (_CLIENT, f"{MAX_HEAD_BYTES // 1024} kB and {MAX_HEAD_LINES} lines for the head with all interim"),
    (_CLIENT, f"{FREE_FRAMING_BYTES // 1024} kB plus {_IN_WORDS[1 / PAYLOAD_PER_FRAMING]} of the payload"),
    (".env.example", f"at most {_SLOWEST_BYTES / 1000:g} kB within the default FETCH_TOTAL_TIMEOUT"),
    ("docs/decisions/0026-losses-of-a-worker.md", f"used {_IN_WORDS[BUSY_SHARE]} or more of its time limit"),
    ("docs/compression.md", f"WebP allows at most {webp.MAX_SIDE:,} pixels per side and AVIF {avif.MAX_SIDE:,}"),
    (
        "docs/compression.md",
        f"fills {GOOD_ENOUGH * 100:g} % of the limit, or {WELL_FILLED * 100:g} % if the next rung is predicted",
    ),
    ("docs/compression.md", f"its lowest rung should take {SCALED_FILL * 100:g} % of the limit"),
    ("docs/compression.md", f"**Drawings of few colours** ({MAX_FEW_COLOURS} at most)"),
    ("docs/compression.md", f"more than {MAX_COVERAGES // _MEGA} million pixels times colours"),
    ("docs/compression.md", f"with at most {_SHARES[MAX_GAIN_MAP_PART]} of the limit"),
    ("docs/compression.md", f"Above {MAX_COMPARED_PIXELS // _MEGA} megapixels, counted over all frames"),
    ("docs/compression.md", f"more than {MAX_ANIMATION_PIXELS // _MEGA} megapixels in all frames"),
    ("docs/compression.md", f"in all frames ({MAX_ANIMATION_PIXELS_IN['png'] // _MEGA} as PNG)"),
    ("docs/errors.md", f"more than {MAX_ANIMATION_FACTOR} times that"),
    (".env.example", f"may have {MAX_ANIMATION_FACTOR} times as many pixels"),
    ("docs/corpus.md", f"each picture has {oracle.SECONDS} seconds in the browser"),
    ("docs/corpus.md", f"{MOST_TILES:,} evenly spread tiles of {TILE} x {TILE} pixels"),
    ("docs/corpus.md", f"up to {_TIMES[MOMENTS]} moments"),
    ("docs/corpus.md", f"the opacity differs by more than {100 * MAX_ALPHA:g} % on average"),
    (
        "docs/corpus.md",
        f"the mean is above {MAX_MEAN:g}, or the average colour of a tile is off by more than {MAX_SHIFT:g}",
    ),
    ("docs/kubernetes.md", f"the grace period is {_GRACE} s"),
    ("docs/kubernetes.md", f"Set `consumer_timeout` to {int(_CONSUMER_TIMEOUT) // 3_600_000} hours"),
    ("docs/kubernetes.md", f"for Kubernetes {' and '.join(_KUBERNETES)}"),
    ("deploy/kubernetes/base/downloader.yaml", f"FETCH_CONCURRENCY times FETCH_MAX_BYTES, {_SPOOL_BYTES / 1e9:.1f} GB"),
    ("docs/api.md", f"the last {MAX_LOGGED_REPLAYS} replays"),
    ("docs/api.md", f"at most {EXCERPT_BYTES // 1024} kB. What looks"),
    ("docs/api.md", f"the body of `POST /webhooks/test` more than {MAX_BODY_BYTES:,}"),
    ("docs/api.md", f"At most {WEBHOOK_TESTS_AT_ONCE} tests run at the same time on one gateway"),
    ("docs/events.md", f"plus up to {settings_of('aggregator')['WEBHOOK_JITTER'].default * 100:g} % of jitter"),
    ("docs/events.md", f"{', '.join(_INTERVALS[:-1])} and {_INTERVALS[-1]} (`WEBHOOK_SCHEDULE`)"),
]


@pytest.mark.parametrize(("page", "words"), STATED)
def test_a_page_states_the_limit_of_the_code(page: str, words: str) -> None:
    text = re.sub(r"(\s|# )+", " ", (ROOT / page).read_text(encoding="utf-8"))
    assert words in text
