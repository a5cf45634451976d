# Checks of what is deployed, without Docker and without a cluster. Included by the Makefile.
BIN ?= .venv/bin

.PHONY: check-deploy
check-deploy: .venv ## lint the Dockerfile, validate the Compose file and the Kubernetes base
	$(BIN)/hadolint deploy/Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	deploy/kubernetes/check.sh $(BIN)/kubernetes-validate
