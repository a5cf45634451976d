"""One file for each format that is written: what it can trade for bytes, and how it is encoded."""
