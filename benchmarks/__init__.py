"""Measurements of the whole and of its parts. They print figures and their commands; they are no tests."""
