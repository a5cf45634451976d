"""Product catalogues as they are met in the wild, made by code, each with what must be read from it or said of it."""

from tests.catalogues.files import FILES
from tests.catalogues.fixture import Fixture
from tests.catalogues.headers import HEADERS
from tests.catalogues.hostile import HOSTILE
from tests.catalogues.platforms import PLATFORMS
from tests.catalogues.rows import ROWS
from tests.catalogues.urls import URLS

FIXTURES: tuple[Fixture, ...] = (*HEADERS, *ROWS, *URLS, *FILES, *PLATFORMS, *HOSTILE)
