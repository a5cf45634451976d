"""Benchmarks of the whole system and its parts. They print figures; they are not tests."""
