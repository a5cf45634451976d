"""Frames between the service and a worker process: a pickled head, and bytes that are not pickled. Pure."""

import pickle
import struct
from typing import Any, NamedTuple

_SIZES = struct.Struct("!IQ")
PREFIX_BYTES = _SIZES.size


class Frame(NamedTuple):
    head: Any
    data: bytes


def parts(head: object, data: bytes = b"") -> list[bytes]:
    """What to send for a frame, without a copy of `data`."""
    pickled = pickle.dumps(head, pickle.HIGHEST_PROTOCOL)
    return [_SIZES.pack(len(pickled), len(data)), pickled, data]


def sizes(prefix: bytes | bytearray) -> tuple[int, int]:
    """The bytes of the pickled head and of the data, by the first PREFIX_BYTES of a frame."""
    head, data = _SIZES.unpack_from(prefix)
    return head, data


class FrameReader:
    """Assembles a frame from the chunks of a stream."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, chunk: bytes) -> Frame | None:
        """The frame that `chunk` completes. The next frame begins with the next chunk: each side waits for answers."""
        if not self._received and (frame := _frame(chunk)):  # usual: without a copy of what was received
            return frame
        self._received += chunk
        frame = _frame(self._received)
        if frame is not None:
            self._received = bytearray()
        return frame


def _frame(received: bytes | bytearray) -> Frame | None:
    """The frame, if it is complete."""
    if len(received) < PREFIX_BYTES:
        return None
    head_bytes, data_bytes = sizes(received)
    data_at = PREFIX_BYTES + head_bytes
    if len(received) < data_at + data_bytes:
        return None
    with memoryview(received) as view:
        return Frame(pickle.loads(view[PREFIX_BYTES:data_at]), bytes(view[data_at:]))  # noqa: S301 (own process)
