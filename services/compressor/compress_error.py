"""The errors of an image that cannot be compressed."""

from shared.contracts.error_codes import ErrorCode


class CompressError(Exception):
    """The image is at fault: another attempt with the same bytes would fail in the same way.

    The exceptions are DECODER_CRASHED and DECODE_TIMEOUT, which the machine can cause too: see shared/losses.py.

    milliseconds: of a worker process that the image used.
    used_its_time: whether it was late although it used a processor for a good part of its time.
    was_tried_twice: whether an unexpected exception repeated in a second process.
    """

    milliseconds = 0
    used_its_time = False
    was_tried_twice = False

    def __init__(self, code: ErrorCode, detail: str) -> None:
        super().__init__(code, detail)  # both as arguments, so that the error can be pickled by a worker process
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class UnexpectedFault(Exception):
    """`compress` raised an exception that it does not know: the picture's, if it repeats in another process.

    what: the exception's type and message. trace: its traceback, as text. milliseconds: of the process that it used.
    """

    def __init__(self, what: str, trace: str, milliseconds: int = 0) -> None:
        super().__init__(what, trace, milliseconds)
        self.what = what
        self.trace = trace
        self.milliseconds = milliseconds
