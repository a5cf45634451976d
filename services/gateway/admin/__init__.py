"""The operator's commands: python -m services.gateway.admin."""
