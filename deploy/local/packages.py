"""Installs missing Debian packages, or reports clearly what is missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

INSTALLER = Path(__file__).with_name("apt-install.sh")


class Missing(Exception):
    """A command needs something that is missing and cannot be installed here; the message says what to do."""


def install(*packages: str) -> None:
    """Install Debian packages as root or with sudo. Start no service.

    Raises:
        Missing: apt-get does not exist, may not be used, or failed.
    """
    names = " ".join(packages)
    if not shutil.which("apt-get"):
        raise Missing(f"please install {names}: this machine has no apt-get")
    print(f"Installing {names} from Debian's packages; no system service is started.", flush=True)
    try:
        subprocess.run([*_as_root(names), "sh", INSTALLER, *packages], check=True)
    except subprocess.CalledProcessError as error:
        raise Missing(f"apt-get could not install {names} (status {error.returncode})") from error


def install_programs(programs: Sequence[Path], *packages: str) -> None:
    """Install the packages of these programs, all together, if a program is missing.

    Raises:
        Missing: they cannot be installed.
    """
    if not _present(programs):
        install(*packages)
        if not _present(programs):
            raise Missing(f"{' and '.join(packages)} are installed, but not as {' and '.join(map(str, programs))}")


def _present(programs: Sequence[Path]) -> bool:
    return all(program.exists() for program in programs)


def _as_root(names: str) -> list[str]:
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        raise Missing(f"please install {names} as root: apt-get install {names}")
    # Without a terminal nobody could enter a password.
    return ["sudo"] if sys.stdin.isatty() else ["sudo", "-n"]
