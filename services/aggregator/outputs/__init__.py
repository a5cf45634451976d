"""The files of a finished request: output CSV, failed.csv, report.csv and report.json, written to the object store.

`writer` reads the database and stores the files, and `open_files` writes them to a local folder. All other modules are
pure.
"""

from services.aggregator.outputs.csv_rules import CsvRules
from services.aggregator.outputs.writer import OutputWriter, RoundSuperseded

__all__ = ["CsvRules", "OutputWriter", "RoundSuperseded"]
