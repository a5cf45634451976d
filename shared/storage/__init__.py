"""The object store: uploads, originals, results and outputs, under keys."""
