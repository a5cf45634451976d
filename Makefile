# Imagemill: every command of the project. `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV_VERSION := 0.13.9
SERVICES := gateway downloader compressor aggregator
BIN := .venv/bin
LOCAL := $(BIN)/python -m deploy.local
PYTEST := $(BIN)/python -m pytest
# Settings given as in `make run GATEWAY_PORT=8001` reach the services too: make exports its command line.

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^[a-z.-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## The stack without containers

.PHONY: demo
demo: .venv ## pictures in six formats through the whole pipeline on real servers, every promise checked
	@$(LOCAL) demo

.PHONY: run
run: .venv ## keep the stack at http://localhost:8000 (GATEWAY_PORT) until Ctrl-C
	@$(LOCAL) run

.PHONY: up
up: .venv ## only RabbitMQ and MongoDB, for a service started by hand
	@$(LOCAL) up

.PHONY: dead-letters
dead-letters: .venv ## list the messages parked in the running stack; REPLAY=1 sends them again
	@$(BIN)/python -m deploy.local.dead_letters $(if $(REPLAY),--replay)

.PHONY: smoke
smoke: .venv ## the stack in Compose, scaled, one request through it; needs Docker
	$(BIN)/python -m deploy.smoke $(ARGS)

.PHONY: vendor-docs
vendor-docs: ## fetch the API documentation's assets anew; needs npm and VERSION=...
	sh services/gateway/api/static/swagger-ui/vendor.sh $(VERSION)

.PHONY: clean
clean: ## remove all data, logs and servers under .local, and the caches
	@if [ -x $(BIN)/python ]; then $(LOCAL) clean; fi
	rm -rf .local .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

## Checks and tests

.PHONY: check
check: lint types imports check-docs check-deploy ## everything that can be checked without running it

.PHONY: lint
lint: .venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: .venv
	$(BIN)/python -m mypy

.PHONY: imports
imports: .venv
	$(BIN)/lint-imports

.PHONY: docs
docs: .venv ## rewrite the generated tables of README, docs/ and .env.example from the code
	$(BIN)/python -m dev.docs

.PHONY: check-docs
check-docs: .venv
	$(BIN)/python -m dev.docs --check

# check-deploy: hadolint, Compose and Kubernetes validation
-include deploy/check.mk

.PHONY: test
test: .venv ## all tests, on real servers
	@$(LOCAL) prepare
	$(PYTEST) $(ARGS)

.PHONY: test-unit
test-unit: .venv ## the tests that need no server
	$(PYTEST) tests/unit $(ARGS)

.PHONY: test-containers
test-containers: .venv ## all tests, on servers in containers
	@$(LOCAL) prepare
	IMAGEMILL_TEST_SERVERS=containers $(PYTEST) $(ARGS)

.PHONY: fuzz
fuzz: .venv ## a hundred thousand mutated catalogues, each taken or refused; ARGS='--seed N --files N'
	$(BIN)/python -m tests.catalogues.fuzz --seconds 1800 $(ARGS)

.PHONY: bench
bench: .venv ## images per second and CPU per image, beside a bare Pillow loop
	@$(LOCAL) prepare
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: bench-compress
bench-compress: .venv ## the compressor beside three peers: fit, cost, beauty and memory; ARGS=--quick for a sixth
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r benchmarks/compress/requirements.txt
	$(BIN)/python -m benchmarks.compress $(ARGS)

.PHONY: bench-catalogue
bench-catalogue: .venv ## a million rows and three million URLs: validated, accepted, taken in through a kill -9
	@$(LOCAL) prepare
	$(BIN)/python -m benchmarks.catalogue $(ARGS)

## Dependencies

.PHONY: .venv
.venv: .venv/.installed

.venv/.installed: requirements/dev.txt
	@sh deploy/local/setup-venv.sh "$(PYTHON)" $<
	@touch $@

UV := .local/uv/bin/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header $(if $(UPGRADE),--upgrade)

.PHONY: lock
lock: .venv $(UV) ## make requirements/*.txt anew from pyproject.toml; UPGRADE=1 takes the newest versions
	$(COMPILE) pyproject.toml --all-extras -o requirements/dev.txt
	for service in $(SERVICES); do \
		$(COMPILE) pyproject.toml --extra $$service -c requirements/dev.txt -o requirements/$$service.txt || exit 1; \
	done
	$(COMPILE) requirements/mongod.in --no-deps -o requirements/mongod.txt

$(UV):
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --target .local/uv uv==$(UV_VERSION)
