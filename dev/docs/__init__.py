"""Writes the generated parts of the documentation: `python -m dev.docs`, or `make docs`.

A fact has one source in the code. The registry maps the name of each block and each generated file to the function
that writes it; `blocks/` has one module per table.
"""
