"""Logs, metrics and health, alike in every process."""
