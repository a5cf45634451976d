"""The response to a validation with `probe`: JSON lines, each sent as soon as its content is known."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from itertools import chain
from time import monotonic

import structlog

from services.gateway.catalogue import Inspection
from services.gateway.probe.client import ProbeClient, Unanswered
from services.gateway.probe.estimate import Interval, ProbeSample, estimate
from services.gateway.probe.plan import ProbePlan, plan_probe
from services.gateway.probe.schemas import EstimateBasis, EstimatedBytes, EstimateLine, ProbeLine, ValidationLine
from services.gateway.settings import HostLimitSettings
from services.gateway.web import ApiModel, CatalogueValidation
from shared.contracts.messages import CompressOptions, FetchBounds, ImagesProbed, ProbedImage
from shared.contracts.times import rfc3339
from shared.errors import DatabaseUnavailable
from shared.observability import Metrics
from shared.persistence import HostRepository

log = structlog.get_logger(__name__)


class ProbeStream:
    def __init__(
        self,
        client: ProbeClient,
        hosts: HostRepository,
        metrics: Metrics,
        clock: Callable[[], datetime],
        limits: HostLimitSettings,
    ) -> None:
        """`limits`: of the downloads from one host, for the estimate."""
        self._client = client
        self._hosts = hosts
        self._metrics = metrics
        self._clock = clock
        self._limits = limits

    async def lines(
        self, validation: CatalogueValidation, inspection: Inspection, options: CompressOptions
    ) -> AsyncIterator[bytes]:
        """The validation, a line for each probed image, and the estimate. Ends within the client's timeout."""
        started_at = monotonic()
        yield _line(ValidationLine(**dict(validation)))
        plan = plan_probe(inspection.samples)
        replies: list[ImagesProbed] = []
        async with aclosing(self._probe(plan)) as probes:
            async for reply in probes:
                if isinstance(reply, ImagesProbed):
                    replies.append(reply)
                for line in _probe_lines(reply, plan):
                    self._metrics.probed_images.labels(outcome=_outcome(line)).inc()
                    yield _line(line)
        last = _estimate_line(_sample(replies, inspection, plan, self._limits), inspection, plan, options)
        yield _line(last)
        log.info(
            "catalogue_probed",
            probed=last.basis.probed,
            known=last.basis.known,
            milliseconds=round((monotonic() - started_at) * 1000),
        )

    async def _probe(self, plan: ProbePlan) -> AsyncGenerator[ImagesProbed | Unanswered]:
        """Probe all hosts except those whose circuit is open: a probe is a request to the host like any other."""
        paused = await self._paused_until()
        wanted = []
        for batch in plan.batches:
            until = paused.get(plan.host_of[batch[0]])
            if until is None:
                wanted.append(batch)
            else:
                yield Unanswered(batch, f"the host is paused until {rfc3339(until)}")
        async with aclosing(self._client.probe(wanted)) as replies:
            async for reply in replies:
                yield reply

    async def _paused_until(self) -> dict[str, datetime]:
        now = self._clock()
        try:
            circuits = await self._hosts.not_closed()
        except DatabaseUnavailable:  # a validation needs no database
            return {}
        return {each.host: each.paused_until for each in circuits if each.paused_until and each.paused_until > now}


def _line(content: ApiModel) -> bytes:
    return content.model_dump_json().encode() + b"\n"


def _probe_lines(reply: ImagesProbed | Unanswered, plan: ProbePlan) -> list[ProbeLine]:
    if isinstance(reply, Unanswered):
        return [ProbeLine(url=url, host=plan.host_of[url], error_detail=reply.reason) for url in reply.urls]
    return [
        ProbeLine(
            url=image.url,
            host=plan.host_of[image.url],
            content_type=image.content_type,
            bytes=image.size,
            ms=image.ms,
            error_code=image.error_code,
            error_detail=image.error_detail,
        )
        for image in reply.images
    ]


def _outcome(line: ProbeLine) -> str:
    if line.error_code is not None:
        return line.error_code
    return "unknown" if line.content_type is None else "image"


def _sample(
    replies: Sequence[ImagesProbed], inspection: Inspection, plan: ProbePlan, limits: HostLimitSettings
) -> ProbeSample:
    probed: dict[str, list[ProbedImage]] = {host: [] for host in plan.images_of}
    for image in chain.from_iterable(reply.images for reply in replies):
        probed[plan.host_of[image.url]].append(image)
    return ProbeSample(
        images_of=plan.images_of,
        more_images=max(inspection.accepted_images - sum(plan.images_of.values()), 0),
        probed=probed,
        bounds=_bounded(replies[-1].bounds, limits) if replies else None,
    )


def _bounded(downloader: FetchBounds, limits: HostLimitSettings) -> FetchBounds:
    """What one downloader may do within the limits of a host."""
    per_host = min(downloader.per_host, limits.host_max)
    return downloader.model_copy(update={"per_host": per_host, "per_second": limits.host_rate or None})


def _estimate_line(
    sample: ProbeSample, inspection: Inspection, plan: ProbePlan, options: CompressOptions
) -> EstimateLine:
    expected = estimate(sample, options)
    on_probed_hosts = sample.images - sample.more_images
    return EstimateLine(
        images=inspection.accepted_images,
        dead_share=None if expected.dead_share is None else round(expected.dead_share, 4),
        bytes_in=_bytes(expected.bytes_in),
        bytes_out=_bytes(expected.bytes_out),
        seconds=None if expected.seconds is None else round(expected.seconds, 1),
        slowest_host=expected.slowest_host,
        basis=EstimateBasis(
            hosts=len(inspection.slots_by_host) + inspection.more_hosts,
            hosts_probed=len(plan.images_of),
            images_share=round(on_probed_hosts / sample.images, 4) if sample.images else 0,
            probed=len(plan.host_of),
            known=expected.known,
            sized=expected.sized,
        ),
    )


def _bytes(interval: Interval | None) -> EstimatedBytes | None:
    if interval is None:
        return None
    low, high = (None if bound is None else round(bound) for bound in (interval.low, interval.high))
    return EstimatedBytes(low=low, mean=round(interval.mean), high=high)
