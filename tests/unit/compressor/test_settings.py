"""The compressor's settings."""

import pytest
from pydantic import ValidationError

from services.compressor.settings import CompressSettings


def test_a_timeout_that_lets_an_image_count_as_hung_is_refused() -> None:
    assert CompressSettings(compress_timeout=20, longest_handler=40).compress_timeout == 20
    with pytest.raises(ValidationError, match=r"COMPRESS_TIMEOUT \(300\) must be at most half of LONGEST_H"):
        CompressSettings(compress_timeout=300)
