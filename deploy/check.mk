# Checks of what is deployed, without Docker and without a cluster. Included by the Makefile.
VENV ?= .venv

.PHONY: check-deploy
check-deploy: ## Lint the Dockerfile, validate Compose and Kubernetes manifests
	$(VENV)/bin/hadolint deploy/Dockerfile
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	deploy/kubernetes/check.sh $(VENV)/bin/kubernetes-validate
