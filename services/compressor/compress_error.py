"""The error of an image that cannot be compressed."""

from shared.contracts.error_codes import ErrorCode


class CompressError(Exception):
    """The image is at fault: another attempt with the same bytes would fail in the same way.

    The exceptions are DECODER_CRASHED and DECODE_TIMEOUT, which the machine can cause too: see shared/losses.py.

    milliseconds: of a worker process that the image used.
    used_its_time: whether it was late although it used a processor for a good part of its time.
    """

    milliseconds = 0
    used_its_time = False

    def __init__(self, code: ErrorCode, detail: str) -> None:
        super().__init__(code, detail)  # both as arguments, so that the error can be pickled by a worker process
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"
