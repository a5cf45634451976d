"""Why a picture cannot be compressed."""

from shared.contracts.error_codes import ErrorCode


class CompressError(Exception):
    """The picture itself is at fault: another attempt at the same bytes would end the same way."""

    def __init__(self, code: ErrorCode, detail: str) -> None:
        super().__init__(code, detail)  # both as arguments, so that it can cross from a worker process
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"
