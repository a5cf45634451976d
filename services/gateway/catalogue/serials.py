"""What is odd about a catalogue's serial numbers: nothing of it keeps a row from being taken. Pure."""

import re

from services.gateway.catalogue.counting import Seen
from services.gateway.catalogue.findings import Finding
from services.gateway.catalogue.profiles import PROFILES
from services.gateway.catalogue.reading import Catalogue

_SCIENTIFIC = re.compile(r"[+-]?\d(?:[.,]\d+)?[Ee]\+\d+")


class SerialChecks:
    """Notes what is odd about the row that the catalogue gave last. distinct: how many serial numbers there were."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._records = catalogue.records
        self._column = catalogue.header[catalogue.layout.serials[0]]
        self._may_repeat = PROFILES[catalogue.catalogue_format.profile].rows_share_serial
        self._seen = Seen()
        self.distinct = 0
        self._without = 0
        self._first_without = 0

    def check(self, serial: str) -> None:
        if not serial:
            self._without += 1
            self._first_without = self._first_without or self._records.line
        if self._seen.is_new(hash(serial)):
            self.distinct += 1
        elif serial and not self._may_repeat:
            self._warn("an earlier row has the same serial number", "Give each product its own.", serial)
        if "+" in serial and _SCIENTIFIC.fullmatch(serial):
            self._warn("the serial number was probably changed by a spreadsheet", "Format its column as text.", serial)

    def finish(self) -> None:
        """Say once for all rows what they lack: there may be as many of them as of rows."""
        if self._without and not self._may_repeat:
            problem = f"rows without a serial number: {self._without:,}, the first at line {self._first_without:,}"
            line = self._first_without
            finding = Finding(problem, "Give each product one.", line=line, column=self._column, severity="warning")
            self._records.findings.add(finding)

    def _warn(self, problem: str, advice: str, text: str | None) -> None:
        self._records.find(problem, advice, self._column, text, "warning")
