"""The answer to a validation that looks at images: lines of JSON, each as soon as there is something to say."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from itertools import chain
from time import monotonic

import structlog

from services.gateway.catalogue import Inspection
from services.gateway.probe.client import Prober, Unanswered
from services.gateway.probe.estimate import Interval, ProbeSample, estimate
from services.gateway.probe.plan import ProbePlan, plan_probe
from services.gateway.probe.schemas import EstimateBasis, EstimatedBytes, EstimateLine, ProbeLine, ValidationLine
from services.gateway.web.schemas import ApiModel, CatalogueValidation
from shared.contracts.messages import CompressOptions, ImagesProbed, ProbedImage
from shared.observability import Metrics

log = structlog.get_logger(__name__)


class ProbedValidations:
    """Answers for catalogues that were found usable."""

    def __init__(self, prober: Prober, metrics: Metrics) -> None:
        self._prober = prober
        self._metrics = metrics

    async def lines(
        self, validation: CatalogueValidation, inspection: Inspection, options: CompressOptions
    ) -> AsyncIterator[bytes]:
        """The validation, a line for each URL looked at, the estimate. It ends within the prober's timeout."""
        begun = monotonic()
        yield _line(ValidationLine(**dict(validation)))
        plan = plan_probe(inspection.hosts, inspection.samples)
        told: list[ImagesProbed] = []
        async with aclosing(self._prober.answers(plan.batches)) as answers:
            async for answer in answers:
                if isinstance(answer, ImagesProbed):
                    told.append(answer)
                for line in _probe_lines(answer, plan):
                    self._metrics.probed_urls.labels(outcome=_outcome(line)).inc()
                    yield _line(line)
        last = _estimate_line(_looks(told, inspection, plan), inspection, plan, options)
        yield _line(last)
        log.info(
            "catalogue_probed",
            probed=last.basis.probed,
            known=last.basis.known,
            milliseconds=round((monotonic() - begun) * 1000),
        )


def _line(answer: ApiModel) -> bytes:
    return answer.model_dump_json().encode() + b"\n"


def _probe_lines(answer: ImagesProbed | Unanswered, plan: ProbePlan) -> list[ProbeLine]:
    if isinstance(answer, Unanswered):
        return [ProbeLine(url=url, host=plan.host_of[url], error_detail=answer.reason) for url in answer.urls]
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
        for image in answer.images
    ]


def _outcome(line: ProbeLine) -> str:
    if line.error_code is not None:
        return line.error_code
    return "unknown" if line.content_type is None else "image"


def _looks(told: Sequence[ImagesProbed], inspection: Inspection, plan: ProbePlan) -> ProbeSample:
    seen: dict[str, list[ProbedImage]] = {host: [] for host in plan.hosts}
    for image in chain.from_iterable(answer.images for answer in told):
        seen[plan.host_of[image.url]].append(image)
    usable_slots = inspection.slots - inspection.refused_slots
    return ProbeSample(
        images=inspection.images,
        hosts=plan.hosts,
        more_slots=max(0, usable_slots - sum(plan.hosts.values())),
        seen=seen,
        bounds=told[-1].bounds if told else None,
    )


def _estimate_line(
    looks: ProbeSample, inspection: Inspection, plan: ProbePlan, options: CompressOptions
) -> EstimateLine:
    expected = estimate(looks, options)
    looked_at = sum(plan.hosts.values())
    slots = looked_at + looks.more_slots
    return EstimateLine(
        images=looks.images,
        dead_share=None if expected.dead_share is None else round(expected.dead_share, 4),
        bytes_in=_bytes(expected.bytes_in),
        bytes_out=_bytes(expected.bytes_out),
        seconds=None if expected.seconds is None else round(expected.seconds, 1),
        slowest_host=expected.slowest_host,
        basis=EstimateBasis(
            hosts=len(plan.hosts),
            hosts_in_all=len(inspection.hosts) + inspection.more_hosts,
            slots_share=round(looked_at / slots, 4) if slots else 0,
            probed=len(plan.host_of),
            known=expected.known,
            sized=expected.sized,
        ),
    )


def _bytes(extent: Interval | None) -> EstimatedBytes | None:
    if extent is None:
        return None
    low, high = (None if side is None else round(side) for side in (extent.low, extent.high))
    return EstimatedBytes(low=low, mean=round(extent.mean), high=high)
