"""The oracle: what must hold after a run, whatever happened in it. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

TERMINAL = {"compressed", "failed", "cancelled"}
_SHOWN = 5


@dataclass(frozen=True)
class ImageFact:
    """What is recorded of one image. defect: what is wrong with its stored object; None if nothing or no object."""

    state: str
    error_code: str | None = None
    result_url: str | None = None
    defect: str | None = None


@dataclass(frozen=True)
class RequestFacts:
    """One request in the end.

    products: the URLs of each row, as uploaded. rows: serial number and slots of each row of the output CSV; None if
    there is no output CSV. planned: error codes of the images that must fail, by URL.
    webhooks: ids of the verified webhooks of this request; accepted: those that its receiver answered with 2xx.
    """

    request_id: str
    status: str
    round: int
    products: Sequence[Sequence[str]]
    rows: Sequence[tuple[str, Sequence[str]]] | None
    images: Mapping[str, ImageFact]
    planned: Mapping[str, str] = field(default_factory=dict)
    may_be_cancelled: bool = False
    wants_webhook: bool = False
    receiver_is_gone: bool = False
    webhooks: Sequence[str] = ()
    accepted_webhooks: Sequence[str] = ()
    end_events: Sequence[str] = ()


@dataclass(frozen=True)
class ProcessFacts:
    """One process when it was warm and idle, and in the end: resident bytes, asyncio tasks, file descriptors."""

    copy: str
    warm: Mapping[str, int]
    end: Mapping[str, int]


@dataclass(frozen=True)
class Facts:
    """Everything that the oracle judges.

    lost_requests: answered with 202, but not recorded. payloads: number of different payloads of each event id.
    queues: messages in each queue of ours. dead: bodies of the dead letters that are no invalid messages of the run.
    """

    requests: Sequence[RequestFacts]
    lost_requests: Sequence[str] = ()
    payloads: Mapping[str, int] = field(default_factory=dict)
    bad_signatures: int = 0
    queues: Mapping[str, int] = field(default_factory=dict)
    dead: Sequence[str] = ()
    unready: Sequence[str] = ()
    temporary: Sequence[str] = ()
    originals: Sequence[str] = ()
    processes: Sequence[ProcessFacts] = ()
    exits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """The failures of each check, by its name; a check without failures has held."""

    failures: Mapping[str, Sequence[str]]

    @property
    def held(self) -> bool:
        return not any(self.failures.values())

    @property
    def lost(self) -> int:
        return sum(len(self.failures[name]) for name in ("requests are recorded", "images end", "slots are in order"))


GROWTH = {"memory": (1.5, 64 << 20), "tasks": (1.1, 25), "descriptors": (1.0, 40)}
"""How much more a process may have in the end: a factor, and something on top."""


def judge(facts: Facts) -> Verdict:
    checks = {
        "requests are recorded": list(facts.lost_requests),
        "requests end": list(_not_ended(facts)),
        "images end": list(_images_not_ended(facts)),
        "no image fails for a fault of ours": list(_unplanned(facts)),
        "slots are in order": list(_wrong_slots(facts)),
        "published objects can be read": list(_bad_objects(facts)),
        "an event has one payload": [f"{name}: {count}" for name, count in facts.payloads.items() if count != 1],
        "one event per round": list(_wrong_end_events(facts)),
        "one webhook per round": list(_wrong_webhooks(facts)),
        "webhooks are signed": [f"{facts.bad_signatures} were not"] * bool(facts.bad_signatures),
        "queues are empty": [f"{name}: {count}" for name, count in facts.queues.items() if count],
        "dead letters are explained": list(facts.dead),
        "processes are ready": list(facts.unready),
        "nothing is left in temporary directories": list(facts.temporary),
        "no original is left": list(facts.originals),
        "processes do not grow": list(_grown(facts)),
        "processes stop in order": [f"{copy}: status {status}" for copy, status in facts.exits.items() if status],
    }
    return Verdict(checks)


def _not_ended(facts: Facts) -> Iterator[str]:
    for request in facts.requests:
        if request.status not in {"Completed", "Failed", "Cancelled"}:
            states = Counter(image.state for image in request.images.values())
            yield f"{request.request_id} is {request.status} in round {request.round}: {dict(states)}"


def _images_not_ended(facts: Facts) -> Iterator[str]:
    for request in facts.requests:
        urls = {url for product in request.products for url in product}
        yield from (f"{request.request_id} has no record of {url}" for url in sorted(urls - request.images.keys()))
        for url, image in request.images.items():
            if image.state not in TERMINAL:
                yield f"{request.request_id}: {url} is {image.state}"


def _unplanned(facts: Facts) -> Iterator[str]:
    for request in facts.requests:
        for url, image in request.images.items():
            planned = request.planned.get(url)
            if image.state == "failed" and image.error_code != planned:
                yield f"{request.request_id}: {url} failed with {image.error_code}, planned: {planned}"
            elif image.state == "compressed" and planned:
                yield f"{request.request_id}: {url} was compressed, planned: {planned}"
            elif image.state == "cancelled" and not request.may_be_cancelled:
                yield f"{request.request_id}: {url} was cancelled, but its request was not"


def _wrong_slots(facts: Facts) -> Iterator[str]:
    for request in facts.requests:
        if request.rows is None:
            yield f"{request.request_id} has no output CSV"
            continue
        serials = [serial for serial, _ in request.rows]
        if serials != [str(number) for number in range(1, len(request.products) + 1)]:
            yield f"{request.request_id}: rows {serials[:_SHOWN]} ..., {len(serials)} of {len(request.products)}"
            continue
        for (serial, slots), urls in zip(request.rows, request.products, strict=True):
            expected = [_slot(request.images.get(url)) for url in urls]
            if list(slots) != expected:
                yield f"{request.request_id}, row {serial}: {list(slots)}, not {expected}"


def _slot(image: ImageFact | None) -> str:
    return (image.result_url or "?") if image is not None and image.state == "compressed" else ""


def _bad_objects(facts: Facts) -> Iterator[str]:
    for request in facts.requests:
        for url, image in request.images.items():
            if image.defect:
                yield f"{request.request_id}: {url}: {image.defect}"


def _wrong_end_events(facts: Facts) -> Iterator[str]:
    for request in facts.requests:
        if len(set(request.end_events)) != request.round:
            yield f"{request.request_id}: {len(set(request.end_events))} in {request.round} rounds"


def _wrong_webhooks(facts: Facts) -> Iterator[str]:
    for request in facts.requests:
        ids, accepted = set(request.webhooks), set(request.accepted_webhooks)
        if not request.wants_webhook:
            if ids:
                yield f"{request.request_id} wants none, and has {len(ids)}"
        elif request.receiver_is_gone:
            if not 1 <= len(ids) <= request.round:
                yield f"{request.request_id}: {len(ids)} to a receiver that is gone"
        elif len(ids) != request.round or accepted != ids:
            yield f"{request.request_id}: {len(ids)}, {len(accepted)} of them accepted, in {request.round} rounds"


def _grown(facts: Facts) -> Iterator[str]:
    for process in facts.processes:
        for what, (factor, more) in GROWTH.items():
            warm, end = process.warm.get(what), process.end.get(what)
            if warm is not None and end is not None and end > warm * factor + more:
                yield f"{process.copy}: {what} {warm} -> {end}"
