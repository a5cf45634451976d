"""The paths of the API: one module per group, each with the names, the inputs and the responses of its routes."""
