"""The columns of report.csv, from services/aggregator/outputs/report_csv.py."""

from dev.docs.markdown import code, table
from services.aggregator.outputs.report_csv import COLUMNS


def report_columns() -> str:
    return table(("column", "meaning"), [(code(name), meaning) for name, meaning in COLUMNS.items()])
