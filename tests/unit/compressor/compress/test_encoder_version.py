"""A change of the compressor's results requires a new ENCODER_VERSION."""

from hashlib import sha256

from services.compressor.compress import compress
from shared.contracts.messages import CompressOptions
from shared.contracts.object_keys import ENCODER_VERSION
from tests.support.compressing import MAX_PIXELS, a_picture, encoded

RESULTS = {
    2: {"JPEG": "906201468790c983", "PNG": "6b72446abfc3fb34", "GIF": "5e1387f0cb6c3dc0"},
}
"""By ENCODER_VERSION: the beginning of the SHA-256 of the results for three originals."""


def test_a_version_of_the_encoder_makes_the_same_results_for_ever() -> None:
    """If this fails, results have changed: raise ENCODER_VERSION, and record its results in place of those here."""
    results = {}
    for name in ("JPEG", "PNG", "GIF"):
        made = compress(encoded(a_picture("P" if name == "GIF" else "RGB"), name), CompressOptions(), MAX_PIXELS)
        results[name] = sha256(made.data or b"").hexdigest()[:16]
    assert {ENCODER_VERSION: results} == RESULTS
