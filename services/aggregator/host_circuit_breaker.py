"""Keeping account of hosts in trouble by what the workers report."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from services.aggregator.pause_policy import ANSWERED, HostFault, PausePolicy, together
from shared.contracts.messages import ImageCompressed, ImageDeferred, ImageFailed, about
from shared.contracts.records import HostCircuit, Image
from shared.contracts.times import rfc3339
from shared.micro_batcher import MicroBatcher
from shared.persistence import Database

_STALE_AFTER = timedelta(seconds=1)
_LINGER_SECONDS = 0.05
_TRIES = 5

Result = ImageCompressed | ImageFailed | ImageDeferred

log = structlog.get_logger(__name__)


class HostCircuitBreaker:
    """Records faults and successes of hosts, and spares images whose host is left alone from failing.

    A success costs no query: which hosts have a record is read once a second, and as long another aggregator's fault
    may outlive a success seen here; the next success removes it.
    """

    def __init__(self, database: Database, plan: PausePolicy, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._plan = plan
        self._clock = clock
        self._record = MicroBatcher(self._record_faults, linger=_LINGER_SECONDS)
        self._known: set[str] = set()
        self._read_at: datetime | None = None

    async def judge(self, result: Result) -> Result:
        """`result` as it is to be recorded, after what it says of its image's host was."""
        if isinstance(result, ImageCompressed) or not result.host_fault:
            return result
        image = (await self._database.images.find(result.request_id, [result.image_id])).get(result.image_id)
        if image is None:
            return result
        # An image counts once: a few that never work say nothing of a host that has given all its others.
        fault = HostFault(result.error_code, count=int(result.attempt == 1), until=result.host_until)
        host = await self._record((image.host, fault))
        if isinstance(result, ImageFailed):
            return _spared(result, image, host, self._clock())
        # A host may ask for a longer rest than the image has time.
        return result.model_copy(update={"not_before": min(result.not_before, image.deadline)})

    async def recorded(self, result: Result, image: Image | None) -> None:
        """If `result` shows that the image's host works, it is in trouble no more."""
        works = isinstance(result, ImageCompressed) or (
            isinstance(result, ImageFailed) and not result.host_fault and result.error_code in ANSWERED
        )
        if works and image is not None and image.host in await self._circuits():
            self._known.discard(image.host)
            if await self._database.hosts.remove(image.host):
                log.info("host_circuit_closed", host=image.host)

    async def _circuits(self) -> set[str]:
        now = self._clock()
        if self._read_at is None or now - self._read_at > _STALE_AFTER:
            self._read_at = now  # first, so that of many only one reads
            self._known = {host.host for host in await self._database.hosts.circuits()}
        return self._known

    async def _record_faults(self, items: Sequence[tuple[str, HostFault]]) -> list[HostCircuit]:
        """One write for each host, however many of its images failed together."""
        faults: dict[str, list[HostFault]] = {}
        for host, fault in items:
            faults.setdefault(host, []).append(fault)
        records = await asyncio.gather(*(self._record_host(host, together(few)) for host, few in faults.items()))
        by_host = dict(zip(faults, records, strict=True))
        return [by_host[host] for host, _ in items]

    async def _record_host(self, host: str, fault: HostFault) -> HostCircuit:
        for _ in range(_TRIES):
            known = await self._database.hosts.get(host)
            if known is None and not fault.count and fault.until is None:
                return HostCircuit(host, failures=0, pauses=0, paused_until=None, error_code=fault.code)
            now = self._clock()
            new = self._plan.after(known, host, fault, now)
            if new == known or await self._database.hosts.save(new, instead_of=known):
                self._known.add(host)
                if new.paused_until is not None and (known is None or new.paused_until != known.paused_until):
                    log.warning("host_paused", host=host, until=rfc3339(new.paused_until), error_code=new.error_code)
                return new
        return new  # others count its faults at this moment; one more or less makes no difference


def _spared(failure: ImageFailed, image: Image, host: HostCircuit, now: datetime) -> Result:
    """A deferral that costs no attempt in place of a failure, while the host is left alone and the image has time."""
    if host.paused_until is None or host.paused_until <= now or image.deadline <= now:
        return failure
    return ImageDeferred(
        **about(failure),
        error_code=failure.error_code,
        error_detail=failure.error_detail,
        not_before=min(host.paused_until, image.deadline),
        counts=False,
        host_fault=True,
        original_key=failure.original_key,
    )
