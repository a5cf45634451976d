"""Dispatch: which image starts next, and when there is room for it."""
