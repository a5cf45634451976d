"""The operator's rules for all CSV files. Pure."""

from dataclasses import dataclass, replace

from shared.catalogue import CatalogueFormat

_UNICODE = frozenset({"utf-8", "utf-16-le", "utf-16-be"})


@dataclass(frozen=True, slots=True)
class CsvRules:
    """guard_formulas: put a ' before text that a spreadsheet would run.

    always_bom: begin each file with a byte order mark, also if the upload has none. Spreadsheets need it to recognise
    UTF-8.
    """

    guard_formulas: bool = True
    always_bom: bool = False

    def format_of(self, catalogue_format: CatalogueFormat) -> CatalogueFormat:
        """The format of the outputs of an upload: other encodings than Unicode have no mark."""
        dialect = catalogue_format.dialect
        if not self.always_bom or dialect.encoding not in _UNICODE:
            return catalogue_format
        return replace(catalogue_format, dialect=replace(dialect, bom=True))

    def report_encoding(self, catalogue_format: CatalogueFormat) -> str:
        """Python's name of the encoding of report.csv, which is UTF-8; with a mark if the upload has one."""
        return "utf-8-sig" if self.always_bom or catalogue_format.dialect.bom else "utf-8"
