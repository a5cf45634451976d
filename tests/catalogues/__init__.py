"""Product catalogues as they occur in practice, made by code, each with its expected rows and findings."""

from tests.catalogues.encodings import ENCODINGS
from tests.catalogues.files import FILES
from tests.catalogues.fixture import Fixture
from tests.catalogues.headers import HEADERS
from tests.catalogues.hostile import HOSTILE
from tests.catalogues.platforms import PLATFORMS
from tests.catalogues.rows import ROWS
from tests.catalogues.urls import URLS

FIXTURES: tuple[Fixture, ...] = (*HEADERS, *ROWS, *URLS, *FILES, *ENCODINGS, *PLATFORMS, *HOSTILE)
