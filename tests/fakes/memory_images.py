"""Images in a dictionary, with the guards of the real collection."""

from collections import Counter
from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import replace
from datetime import datetime

from shared.contracts.image_summary import (
    MAX_HOSTS_COMPARED,
    MAX_KEPT_ORIGINAL_URLS,
    ImageGroup,
    ImageSummary,
    ImageSummaryBuilder,
)
from shared.contracts.records import DispatchedImage, Image, Progress
from shared.contracts.states import OPEN_STATES, RETRIED_STATES, TERMINAL_STATES, ImageState, RequestStatus
from shared.long_lived import progress
from shared.persistence import LOOK_AHEAD, RETRY_BATCH, Recorded
from tests.fakes.memory_tables import ImageRow, Tables
from tests.fakes.memory_transitions import (
    Result,
    accepts_result,
    after_result,
    after_retry,
)


class MemoryImages:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def insert_many(self, images: Sequence[Image]) -> None:
        self._tables.answer()
        for image in images:
            row = ImageRow(image, not_before=self._tables.clock(), answered=image.dispatch)
            self._tables.images.setdefault((image.request_id, image.image_id), row)

    async def find(self, request_id: str, image_ids: Collection[str]) -> dict[str, Image]:
        self._tables.answer()
        rows = {image_id: self._tables.images.get((request_id, image_id)) for image_id in image_ids}
        return {image_id: row.image for image_id, row in rows.items() if row is not None}

    async def count(self, request_id: str) -> Progress:
        self._tables.answer()
        return count_images(self._tables, request_id)

    async def result_keys(self, request_id: str) -> AsyncGenerator[str, None]:
        self._tables.answer()
        for key, row in sorted(self._tables.images.items()):
            if key[0] == request_id and row.image.state is ImageState.COMPRESSED and row.image.result is not None:
                yield row.image.result.key

    async def summary(self, request_id: str) -> ImageSummary:
        self._tables.answer()
        images = [row.image for key, row in sorted(self._tables.images.items()) if key[0] == request_id]
        hosts = Counter(image.host for image in images if image.host and image.state in TERMINAL_STATES)
        largest = sorted(hosts, key=lambda host: (-hosts[host], host))[:MAX_HOSTS_COMPARED]
        builder = ImageSummaryBuilder(largest, len(hosts))
        for image in images:
            progress()
            builder.add(_group_of_one(image))
        kept = [image.url for image in images if image.result and image.result.action == "kept_original"]
        return builder.build(kept[:MAX_KEPT_ORIGINAL_URLS])

    async def none_open(self, request_id: str) -> bool:
        self._tables.answer()
        return not any_open(self._tables, request_id)

    async def record(self, result: Result, *, deadline: datetime | None = None) -> Recorded:
        self._tables.answer()
        row = self._tables.images.get((result.request_id, result.image_id))
        if row is None or row.image.round != result.round:
            earlier = row.earlier if row is not None else ()
            ended = next((image for image in earlier if image.round == result.round), None)
            return Recorded(None, request_complete=False, ended_earlier=ended)
        if accepts_result(row, result):
            row = self._save(after_result(row, result, deadline, self._tables.clock()))
        return self._recorded(row.image)

    async def dispatched(self) -> list[DispatchedImage]:
        self._tables.answer()
        return [
            DispatchedImage(
                request_id=row.image.request_id,
                image_id=row.image.image_id,
                host=row.image.host,
                round=row.image.round,
                dispatch=row.image.dispatch,
                losses=row.image.losses,
                dispatched_at=row.dispatched_at,
            )
            for row in self._in_state(ImageState.DISPATCHED)
            if row.dispatched_at is not None
        ]

    async def requests_with_pending(self) -> list[str]:
        self._tables.answer()
        return sorted({row.image.request_id for row in self._in_state(ImageState.PENDING)})

    async def due(
        self, request_id: str, limit: int, *, without_hosts: Collection[str] = (), without_losses: bool = False
    ) -> list[Image]:
        images = self._due(request_id, without_losses)
        images.sort(key=lambda image: image.position)
        looked_at = images[:LOOK_AHEAD] if without_hosts else images
        return [image for image in looked_at if image.host not in without_hosts][:limit]

    async def due_by_host(
        self,
        request_id: str,
        limit: int,
        *,
        without_hosts: Collection[str],
        after_host: str | None = None,
        without_losses: bool = False,
    ) -> list[Image]:
        images = [
            image
            for image in self._due(request_id, without_losses)
            if image.host not in without_hosts and (after_host is None or image.host > after_host)
        ]
        return sorted(images, key=lambda image: (image.host, image.position))[:limit]

    async def due_at_hosts(
        self, request_id: str, limit: int, *, hosts: Collection[str], without_losses: bool = False
    ) -> list[Image]:
        images = [image for image in self._due(request_id, without_losses) if image.host in hosts]
        return sorted(images, key=lambda image: image.position)[:limit]

    def _due(self, request_id: str, without_losses: bool) -> list[Image]:
        self._tables.answer()
        now = self._tables.clock()
        rows = [row for row in self._in_state(ImageState.PENDING) if row.image.request_id == request_id]
        return [row.image for row in rows if row.not_before <= now and not (without_losses and row.image.losses)]

    async def expired(
        self, host: str, *, deadline_by: datetime, untried_since: datetime | None, limit: int
    ) -> list[Image]:
        self._tables.answer()
        rows = self._pending_at([host])
        tried = [row for row in rows if row.image.deadline is not None and row.image.deadline <= deadline_by]
        untried = [
            row for row in rows if row.image.deadline is None and untried_since and row.not_before <= untried_since
        ]
        return [row.image for row in [*tried, *untried][:limit]]

    async def count_pending_at_hosts(self, request_id: str, hosts: Collection[str]) -> dict[str, int]:
        self._tables.answer()
        return dict(Counter(row.image.host for row in self._pending_at(hosts) if row.image.request_id == request_id))

    async def hosts_with_pending(self, hosts: Collection[str]) -> set[str]:
        self._tables.answer()
        return {row.image.host for row in self._pending_at(hosts)}

    def _pending_at(self, hosts: Collection[str]) -> list[ImageRow]:
        return [row for row in self._in_state(ImageState.PENDING) if row.image.host in hosts]

    async def reusable(self, reuse_keys: Collection[str], since: datetime) -> dict[str, Image]:
        self._tables.answer()
        ended = [
            row.image
            for row in self._in_state(ImageState.COMPRESSED)
            if row.image.reuse_key in reuse_keys and row.image.ended_at is not None and row.image.ended_at >= since
        ]
        ended.sort(key=lambda image: (image.ended_at, image.request_id))
        return {image.reuse_key: image for image in ended if image.reuse_key}

    async def mark_dispatched(self, images: Sequence[Image]) -> None:
        for row in self._not_dispatched_since(images):
            marked = replace(row.image, state=ImageState.DISPATCHED, dispatch=row.image.dispatch + 1)
            self._save(replace(row, image=marked, dispatched_at=self._tables.clock()))

    async def postpone(self, images: Sequence[Image], until: datetime) -> None:
        for row in self._not_dispatched_since(images):
            self._save(replace(row, not_before=until))

    async def postpone_expiry(self, images: Sequence[Image], until: datetime) -> None:
        for row in self._not_dispatched_since(images):
            self._save(replace(row, image=replace(row.image, deadline=until)))

    def _not_dispatched_since(self, images: Sequence[Image]) -> list[ImageRow]:
        self._tables.answer()
        rows = [(image, self._tables.images.get((image.request_id, image.image_id))) for image in images]
        return [
            row
            for image, row in rows
            if row is not None
            and row.image.state is ImageState.PENDING
            and (row.image.round, row.image.dispatch) == (image.round, image.dispatch)
        ]

    async def return_lost(self, dispatched_before: datetime) -> int:
        self._tables.answer()
        lost = [
            row
            for row in self._in_state(ImageState.DISPATCHED)
            if row.dispatched_at is not None and row.dispatched_at < dispatched_before
        ]
        for row in lost:
            image = replace(row.image, state=ImageState.PENDING)
            self._save(replace(row, image=image, not_before=self._tables.clock()))
        return len(lost)

    async def count_pending(self) -> int:
        self._tables.answer()
        return len(self._in_state(ImageState.PENDING))

    async def count_retryable(self, request_id: str) -> int:
        self._tables.answer()
        return len(self._retryable(request_id))

    async def retry_failed(self, request_id: str, round_: int) -> AsyncGenerator[int, None]:
        self._tables.answer()
        found = [row for row in self._retryable(request_id) if row.image.round < round_]
        for start in range(0, len(found), RETRY_BATCH):
            self._tables.answer()
            wanted = set(map(_key, found[start : start + RETRY_BATCH]))
            some = [row for row in self._retryable(request_id) if _key(row) in wanted and row.image.round < round_]
            for row in some:
                self._save(after_retry(row, round_, self._tables.clock()))
            yield len(some)

    def _retryable(self, request_id: str) -> list[ImageRow]:
        return [
            row
            for state in RETRIED_STATES
            for row in self._in_state(state)
            if row.image.request_id == request_id and row.image.host
        ]

    def _in_state(self, state: ImageState) -> list[ImageRow]:
        return [row for row in self._tables.images.values() if row.image.state is state]

    def _save(self, row: ImageRow) -> ImageRow:
        self._tables.images[row.image.request_id, row.image.image_id] = row
        return row

    def _recorded(self, image: Image) -> Recorded:
        row = self._tables.requests.get(image.request_id)
        request_complete = (
            image.state in TERMINAL_STATES
            and row is not None
            and row.request.status is RequestStatus.PENDING
            and row.request.round == image.round
            and not row.request.intake_open
            and not any_open(self._tables, image.request_id)
        )
        return Recorded(image, request_complete)


def any_open(tables: Tables, request_id: str) -> bool:
    return any(row.image.state in OPEN_STATES for row in tables.images.values() if row.image.request_id == request_id)


def count_images(tables: Tables, request_id: str) -> Progress:
    states = Counter(row.image.state for row in tables.images.values() if row.image.request_id == request_id)
    return Progress(
        total=states.total(),
        compressed=states[ImageState.COMPRESSED],
        failed=states[ImageState.FAILED],
        pending=sum(states[state] for state in OPEN_STATES),
        as_of=tables.clock(),
        cancelled=states[ImageState.CANCELLED],
    )


def _group_of_one(image: Image) -> ImageGroup:
    result = image.result
    return ImageGroup(
        host=image.host,
        state=image.state,
        error_code=image.error_code,
        action=result.action if result else None,
        reused=result.reused if result else None,
        images=1,
        bytes_in=result.bytes_in if result else 0,
        bytes_out=result.bytes_out if result else 0,
        fetch_ms=result.fetch_ms if result else 0,
        target_missed=int(result is not None and not result.target_met),
    )


def _key(row: ImageRow) -> tuple[str, str]:
    return row.image.request_id, row.image.image_id
