"""Tools for the project's developers. Nothing here is part of a service."""
