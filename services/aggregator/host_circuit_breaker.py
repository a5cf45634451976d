"""The circuit breaker of each image host, driven by the results that the workers report."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from services.aggregator.pause_policy import HOST_RESPONDED, HostFault, PausePolicy, merge_faults
from shared.contracts.messages import ImageCompressed, ImageDeferred, ImageFailed, about, moment
from shared.contracts.records import HostCircuit, Image
from shared.contracts.times import rfc3339
from shared.micro_batcher import MicroBatcher
from shared.persistence import Database
from shared.processing_time import OUTAGE, aged_until
from shared.settings import ImageAgeSettings

_CACHE_TIME = timedelta(seconds=1)
_LINGER_SECONDS = 0.05
_MAX_TRIES = 5

Result = ImageCompressed | ImageFailed | ImageDeferred

log = structlog.get_logger(__name__)


class HostCircuitBreaker:
    """Records the faults and successes of hosts. While a host's circuit is open, its images are deferred, not failed.

    A success costs no query: the names of the hosts that have a record are cached for a second. For as long, a fault
    that another aggregator recorded may survive a success seen here; the next success removes it.
    """

    def __init__(
        self, database: Database, policy: PausePolicy, age: ImageAgeSettings, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._policy = policy
        self._max_age = timedelta(seconds=age.image_max_age)
        self._clock = clock
        self._record: MicroBatcher[tuple[str, HostFault], HostCircuit] = MicroBatcher(
            self._record_faults, linger=_LINGER_SECONDS
        )
        self._recorded_hosts: set[str] = set()
        self._read_at: datetime | None = None

    async def register_fault(self, result: Result) -> Result:
        """Record the host fault that `result` reports, if any, and return the result that is to be recorded instead.

        A failure becomes a deferral while the circuit is open. A deferral ends at the image's deadline at the latest.
        """
        if isinstance(result, ImageCompressed) or not result.host_fault:
            return result
        image = (await self._database.images.find(result.request_id, [result.image_id])).get(result.image_id)
        if image is None:
            return result
        now = self._clock()
        until = moment(result.host_pause, result.host_until, now)
        # Each image counts once: a few that never work prove nothing about a host that serves all others.
        fault = HostFault(result.error_code, count=int(result.attempt == 1), until=until)
        circuit = await self._record((image.host, fault))
        if isinstance(result, ImageFailed):
            if circuit.paused_until is None or circuit.paused_until <= now:
                return result
            deadline = await self._deadline(image, now, circuit.paused_until)
            return _deferred(result, circuit.paused_until, deadline, now)
        due_at = moment(result.delay, result.not_before, now) or now
        deadline = await self._deadline(image, now, due_at)
        return result.model_copy(update=_until(_by_deadline(due_at, deadline, now), now))

    async def _deadline(self, image: Image, now: datetime, due_at: datetime) -> datetime | None:
        """When the image's deadline is reached, later by our outages. Exact only if that is before `due_at`."""
        if image.deadline is None or image.deadline > max(now, due_at):
            return image.deadline
        outages = await self._database.outages.observe(working=False, longer_than=OUTAGE)
        return image.deadline + (now - aged_until(now, self._max_age, outages))

    async def register_success(self, result: Result, image: Image | None) -> None:
        """Close the circuit of the image's host, if `result` shows that the host works."""
        host_works = isinstance(result, ImageCompressed) or (
            not result.host_fault and result.error_code in HOST_RESPONDED
        )
        if host_works and image is not None and image.host in await self._read_recorded_hosts():
            self._recorded_hosts.discard(image.host)
            if await self._database.hosts.close(image.host):
                log.info("host_circuit_closed", host=image.host)

    async def _read_recorded_hosts(self) -> set[str]:
        now = self._clock()
        if self._read_at is None or now - self._read_at > _CACHE_TIME:
            self._read_at = now  # before the query, so that only one of many tasks sends it
            self._recorded_hosts = {circuit.host for circuit in await self._database.hosts.circuits()}
        return self._recorded_hosts

    async def _record_faults(self, items: Sequence[tuple[str, HostFault]]) -> list[HostCircuit | Exception]:
        """One write for each host, however many of its images failed at the same time."""
        faults: dict[str, list[HostFault]] = {}
        for host, fault in items:
            faults.setdefault(host, []).append(fault)
        circuits = await asyncio.gather(
            *(self._try_to_record_host(host, merge_faults(of_host)) for host, of_host in faults.items())
        )
        by_host = dict(zip(faults, circuits, strict=True))
        return [by_host[host] for host, _ in items]

    async def _try_to_record_host(self, host: str, fault: HostFault) -> HostCircuit | Exception:
        """An exception is this host's result alone: to repeat the batch would count the other hosts' faults twice."""
        try:
            return await self._record_host(host, fault)
        except Exception as error:
            return error

    async def _record_host(self, host: str, fault: HostFault) -> HostCircuit:
        for _ in range(_MAX_TRIES):
            known = await self._database.hosts.get(host)
            if known is None and not fault.count and fault.until is None:
                return HostCircuit(host, failures=0, pauses=0, paused_until=None, error_code=fault.code)
            now = self._clock()
            new = self._policy.after_fault(known, host, fault, now)
            if new == known or await self._database.hosts.save(new, instead_of=known):
                self._recorded_hosts.add(host)
                if new.paused_until is not None and (known is None or new.paused_until != known.paused_until):
                    log.warning(
                        "host_circuit_opened", host=host, until=rfc3339(new.paused_until), error_code=new.error_code
                    )
                return new
        return new  # other processes are counting this host's faults; one more or less makes no difference


def _deferred(failure: ImageFailed, due_at: datetime, deadline: datetime | None, now: datetime) -> Result:
    """Unless the deadline is reached, a deferral that uses up no attempt."""
    if deadline is not None and deadline <= now:
        return failure
    return ImageDeferred(
        **about(failure),
        error_code=failure.error_code,
        error_detail=failure.error_detail,
        **_until(_by_deadline(due_at, deadline, now), now),
        counts=False,
        host_fault=True,
        original_key=failure.original_key,
    )


def _by_deadline(due_at: datetime, deadline: datetime | None, now: datetime) -> datetime:
    """`due_at`, or the deadline if that is between now and then."""
    return deadline if deadline is not None and now < deadline < due_at else due_at


def _until(due_at: datetime, now: datetime) -> dict[str, Any]:
    """The fields of a deferral until `due_at`."""
    return {"delay": max(0.0, (due_at - now).total_seconds()), "not_before": None}
