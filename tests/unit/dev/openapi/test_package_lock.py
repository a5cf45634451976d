"""The npm lock of the OpenAPI linter: exact versions with hashes, and no addresses of a registry."""

import json

from tests.support.tree import ROOT

HOME = ROOT / "dev" / "openapi"


def test_every_package_is_locked_by_its_hash_and_not_by_an_address() -> None:
    packages = json.loads((HOME / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    installed = {path: package for path, package in packages.items() if path}

    assert installed
    assert [path for path, package in installed.items() if not package["integrity"].startswith("sha512-")] == []
    assert [path for path, package in installed.items() if "resolved" in package] == []


def test_the_linter_s_version_is_exact_and_the_locked_one() -> None:
    wanted = json.loads((HOME / "package.json").read_text(encoding="utf-8"))["devDependencies"]["@redocly/cli"]
    packages = json.loads((HOME / "package-lock.json").read_text(encoding="utf-8"))["packages"]

    assert packages["node_modules/@redocly/cli"]["version"] == wanted
