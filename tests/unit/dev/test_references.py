"""The documents refer to what exists: pages, headings, files, settings with their defaults, metrics, make targets."""

import re
from pathlib import Path

import pytest

from dev.docs.blocks.metrics import metrics
from dev.docs.env_example import SERVICE_SETTINGS, settings_of
from tests.support.tree import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "benchmarks" / "README.md"])
CURRENT_PAGES = [page for page in PAGES if page.name != "CHANGELOG.md"]  # which also has former names
SETTINGS = {name: field for service in SERVICE_SETTINGS for name, field in settings_of(service).items()}
OTHER_NAMES = {
    *("RABBITMQ_USER", "RABBITMQ_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_BUCKET"),  # Compose's own variables
    *("ENCODER_VERSION", "ERROR_GUIDES", "HOST_RESPONDED", "QUEUE_OF", "WORK_QUEUES"),  # names in the code
    "TEST_PROCESSES",  # of the Makefile
}
_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`((?:services|shared|deploy|dev|tests|docs|benchmarks|samples)/[\w./-]*\w)`")
_NAME = re.compile(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`")
_DEFAULT = re.compile(
    r"\b(?P<name>[A-Z][A-Z0-9]*_[A-Z0-9_]+)`? \((?P<value>\d[\d,.]*)( (?P<unit>\w+))?\)"  # `DRAIN_TIMEOUT` (25 s)
    # 10 failures (`DEAD_LETTER_AFTER`), 15 minutes after it was sent (`COMMAND_START_BY`)
    r"|(?P<value_before>\d[\d,.]*) (?P<unit_before>\w+)[\w *]{0,30} \(`(?P<name_after>[A-Z][A-Z0-9]*_[A-Z0-9_]+)`\)"
)
_UNITS = {"minutes": 60, "hours": 3600, "million": 1_000_000}
_WITH_NUMBERS = [*PAGES, ROOT / "docker-compose.yml", *sorted(ROOT.glob("deploy/**/*.y*ml"))]
_MODULE = re.compile(r"python3? -m ((?:services|dev|deploy|tests|benchmarks)[\w.]*)")
_METRIC = re.compile(r"imagemill_[a-z_]+")


def _text(page: Path) -> str:
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings: lower case, words joined by hyphens, other signs left out."""
    headings = _HEADING.findall(_text(page))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in _LINK.findall(_text(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        if not linked.exists() or (anchor and anchor not in _anchors(linked)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_named_file_exists(page: Path) -> None:
    assert [file for file in _FILE.findall(_text(page)) if not (ROOT / file).exists()] == []


@pytest.mark.parametrize("page", CURRENT_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_named_setting_exists(page: Path) -> None:
    assert [name for name in _NAME.findall(_text(page)) if name not in SETTINGS and name not in OTHER_NAMES] == []


@pytest.mark.parametrize("page", _WITH_NUMBERS, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_number_beside_a_setting_is_its_default(page: Path) -> None:
    wrong = []
    for match in _DEFAULT.finditer(_text(page)):
        name = match["name"] or match["name_after"]
        number = float((match["value"] or match["value_before"]).replace(",", ""))
        number *= _UNITS.get(match["unit"] or match["unit_before"], 1)
        if number != SETTINGS[name].default:
            wrong.append(match[0])
    assert wrong == []


@pytest.mark.parametrize("page", CURRENT_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_named_metric_exists(page: Path) -> None:
    declared = set(_METRIC.findall(metrics()))
    assert [name for name in _METRIC.findall(page.read_text(encoding="utf-8")) if name not in declared] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_named_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = re.findall(r"`make ([a-z0-9-]+)|^make ([a-z0-9-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for pair in named for name in pair if name and name not in targets] == []


@pytest.mark.parametrize("page", [ROOT / "Makefile", *PAGES], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_named_program_exists(page: Path) -> None:
    modules = [ROOT / name.replace(".", "/") for name in _MODULE.findall(page.read_text(encoding="utf-8"))]
    missing = [path for path in modules if not (path.with_suffix(".py").exists() or (path / "__main__.py").exists())]
    assert missing == []
