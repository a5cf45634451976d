"""The code that runs in a worker process: it compresses one picture after another for the service."""

import contextlib
import multiprocessing
import os
import pickle
import signal
import socket
import threading
import time
import traceback

from services.compressor.compress import Compressed, compress
from services.compressor.compress_error import CompressError, UnexpectedFault
from services.compressor.frames import PREFIX_BYTES, Frame, parts, sizes
from shared.contracts.messages import CompressOptions

Arguments = tuple[CompressOptions, int, bool]
"""The arguments of `compress` beside the original: options, max_pixels and measure_ssim."""

Answer = tuple[Compressed, float] | Exception | None
"""The result (its data is beside it in the frame) and the seconds it took; or the error. None: the process is ready."""


class WorkerError(Exception):
    """The worker process failed, not because of the picture: it has too little memory, or is not installed well."""


def serve(service: socket.socket) -> None:
    """The main function of the process. It answers when it is ready, and then once for each frame with `Arguments`.

    The head of an answer is an `Answer` and the processor seconds that the process has used.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to the whole process group: only the service reacts to them
        signal.signal(number, signal.SIG_IGN)
    os.environ["RAYON_NUM_THREADS"] = "1"  # oxipng's threads; there is one worker for each core already
    threading.Thread(target=_exit_with_service, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        _send(service, None, b"")
        while True:
            _send(service, *_run(_receive(service)))


def _run(task: Frame) -> tuple[Answer, bytes]:
    started = time.perf_counter()
    try:
        options, max_pixels, measure_ssim = task.head
        compressed = compress(task.data, options, max_pixels, measure_ssim=measure_ssim)
        seconds = time.perf_counter() - started
        return (compressed._replace(data=None), seconds), compressed.data or b""
    except CompressError as error:
        error.milliseconds = round((time.perf_counter() - started) * 1000)
        return error, b""
    except Exception as error:
        if _is_ours(error):
            return WorkerError(traceback.format_exc()), b""  # as text, because not every exception can be pickled
        what, milliseconds = f"{type(error).__name__}: {error}", round((time.perf_counter() - started) * 1000)
        return UnexpectedFault(what, traceback.format_exc(), milliseconds), b""


def _is_ours(error: Exception) -> bool:
    """Whether the machine or the installation is at fault. Decoders raise OSError too, but without a system's error."""
    return isinstance(error, MemoryError | ImportError) or (isinstance(error, OSError) and error.errno is not None)


def _send(service: socket.socket, answer: Answer, data: bytes) -> None:
    service.sendall(b"".join(parts((answer, time.process_time()), data)))


def _receive(service: socket.socket) -> Frame:
    """The next frame. Raises EOFError if the service is gone."""
    head_bytes, data_bytes = sizes(_exactly(service, PREFIX_BYTES))
    head = pickle.loads(_exactly(service, head_bytes))  # noqa: S301 (from the service)
    return Frame(head, _exactly(service, data_bytes))


def _exactly(service: socket.socket, size: int) -> bytes:
    received = service.recv(size, socket.MSG_WAITALL)
    while len(received) < size:  # the process was suspended meanwhile, or the service is gone
        more = service.recv(size - len(received), socket.MSG_WAITALL)
        if not more:
            raise EOFError
        received += more
    return received


def _exit_with_service() -> None:
    """Exit when the service is gone, also if it was killed, and while a decoder hangs."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
