"""Fakes for unit tests of handlers; each passes the contract suite of what it stands for."""
