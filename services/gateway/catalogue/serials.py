"""Warns of missing, repeated and damaged serial numbers. Rows with such numbers are processed. Pure."""

import re

from services.gateway.catalogue.counting import SeenHashes
from services.gateway.catalogue.findings import Finding
from services.gateway.catalogue.profiles import PROFILES
from services.gateway.catalogue.reading import Catalogue

_SCIENTIFIC = re.compile(r"[+-]?\d(?:[.,]\d+)?[Ee]\+\d+")


class SerialChecks:
    """Checks the serial number of each row while a catalogue is read. distinct: how many distinct numbers there are."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._records = catalogue.records
        self._column = catalogue.header[catalogue.layout.serials[0]]
        self._may_repeat = PROFILES[catalogue.catalogue_format.profile].rows_share_serial
        self._seen = SeenHashes()
        self.distinct = 0
        self._missing = 0
        self._first_missing = 0

    def check(self, serial: str) -> None:
        """Check the serial number of the current row."""
        if not serial:
            self._missing += 1
            self._first_missing = self._first_missing or self._records.line
        if self._seen.is_new(hash(serial)):
            self.distinct += 1
        elif serial and not self._may_repeat:
            self._warn("an earlier row has the same serial number", "Give each product its own number.", serial)
        if "+" in serial and _SCIENTIFIC.fullmatch(serial):
            self._warn("the serial number was probably changed by a spreadsheet", "Format its column as text.", serial)

    def finish(self) -> None:
        """Report missing serial numbers, once per file and not per row."""
        if self._missing and not self._may_repeat:
            problem = f"rows without a serial number: {self._missing:,}, the first at line {self._first_missing:,}"
            advice = "Give each product a serial number."
            line = self._first_missing
            finding = Finding(problem, advice, line=line, column=self._column, severity="warning")
            self._records.findings.add(finding)

    def _warn(self, problem: str, advice: str, text: str | None) -> None:
        self._records.add_finding(problem, advice, self._column, text, "warning")
