# Every command of the project; `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV_VERSION := 0.13.9
SERVICES := gateway downloader compressor aggregator
BIN := .venv/bin
LOCAL := $(BIN)/python -m deploy.local
TEST_PROCESSES ?= 2
# Each process has servers and a stack of its own. The order of the folders starts the long tests first.
PYTEST := $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder
REDOCLY_HOME := .local/redocly
REDOCLY := $(REDOCLY_HOME)/node_modules/.bin/redocly
# `make run GATEWAY_PORT=8001` sets GATEWAY_PORT for the services: make exports its command line.

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z][a-z0-9-]*:.*## / {printf "  make %-18s %s\n", $$1, $$2}' Makefile

##@ Run Imagemill without containers

.PHONY: demo
demo: .venv ## process sample images on real servers and check every promise
	@$(LOCAL) demo

.PHONY: run
run: .venv ## run the stack at http://localhost:8000 (GATEWAY_PORT) until Ctrl-C
	@$(LOCAL) run

.PHONY: up
up: .venv ## run only RabbitMQ and MongoDB, for services that you start yourself
	@$(LOCAL) up

.PHONY: dead-letters
dead-letters: .venv ## list the parked messages of the running stack; REPLAY=1 sends them again, PURGE=1 or PURGE=<id> removes them
	@$(BIN)/python -m deploy.local.dead_letters $(if $(REPLAY),--replay) $(if $(PURGE),--purge $(filter-out 1,$(PURGE)))

.PHONY: admin
admin: .venv ## the operator's commands on the running stack; ARGS='reconcile --apply', ARGS=--help
	@$(BIN)/python -m deploy.local.admin $(ARGS)

.PHONY: clean
clean: ## delete all data, logs and servers under .local, and the caches
	@if [ -x $(BIN)/python ]; then $(LOCAL) clean; fi
	rm -rf .local .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

##@ Test (ARGS='-k name -x' is passed to pytest; TEST_PROCESSES=0 for --pdb)

.PHONY: test
test: .venv ## all tests, on real servers
	@$(LOCAL) prepare servers browser oracles
	$(PYTEST) $(ARGS)

.PHONY: test-unit
test-unit: .venv ## tests that need no server
	$(PYTEST) tests/unit $(ARGS)

.PHONY: test-contract
test-contract: .venv ## the fakes and the real servers pass the same suites
	@$(LOCAL) prepare servers
	$(PYTEST) tests/contract $(ARGS)

.PHONY: test-integration
test-integration: .venv ## one service at a time, on real servers
	@$(LOCAL) prepare servers
	$(PYTEST) tests/integration $(ARGS)

.PHONY: test-e2e
test-e2e: .venv ## the whole stack: kills, outages, fairness, formats
	@$(LOCAL) prepare servers
	$(PYTEST) tests/e2e $(ARGS)

.PHONY: test-browser
test-browser: .venv ## the documentation page, and pictures before and after, in Chromium
	@$(LOCAL) prepare browser
	$(PYTEST) tests/browser $(ARGS)

.PHONY: test-slow
test-slow: .venv ## longer proofs, which the targets above leave out
	@$(LOCAL) prepare servers
	$(PYTEST) -m slow $(ARGS)

.PHONY: test-containers
test-containers: .venv ## all tests, with RabbitMQ and MongoDB in containers; needs Docker
	@$(LOCAL) prepare servers browser oracles
	IMAGEMILL_TEST_SERVERS=containers $(PYTEST) $(ARGS)

.PHONY: chaos
chaos: .venv ## random faults over two copies of each service; ARGS='--seed 7 --minutes 30 --replica-set'
	@$(LOCAL) prepare servers
	$(BIN)/python -m tests.chaos $(ARGS)

.PHONY: chaos-containers
chaos-containers: .venv ## the same on RabbitMQ 4 in a container and three mongod with step-downs; needs Docker
	@$(LOCAL) prepare servers
	$(BIN)/python -m tests.chaos --containers --replica-set $(ARGS)

.PHONY: smoke
smoke: .venv ## one request through the scaled Compose stack; needs Docker
	$(BIN)/python -m deploy.smoke $(ARGS)

.PHONY: fuzz
fuzz: .venv ## 100,000 mutated catalogues; ARGS='--seed N --files N'
	$(BIN)/python -m tests.catalogues.fuzz --seconds 1800 $(ARGS)

.PHONY: corpus
corpus: .venv ## real files of a folder on the stack, judged by Chromium; ARGS='FOLDER --files 1500 --option format=webp'
	@$(LOCAL) prepare servers browser oracles
	$(BIN)/python -m tests.corpus $(ARGS)

.PHONY: corpus-files
corpus-files: .venv ## collect test files of other projects from their source packages; ARGS=FOLDER
	$(BIN)/python -m tests.corpus.collect $(ARGS)

##@ Check (without starting services)

.PHONY: check
check: lint types imports check-docs check-openapi check-hooks check-deploy ## everything below

.PHONY: lint
lint: .venv ## ruff: lint rules and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: .venv ## mypy, strict
	$(BIN)/python -m mypy

# Without a cache: it keeps the imports of modules that have been renamed.
.PHONY: imports
imports: .venv ## import-linter: which room may import which
	$(BIN)/lint-imports --no-cache

.PHONY: check-docs
check-docs: .venv ## the generated documentation is up to date
	$(BIN)/python -m dev.docs --check

.PHONY: check-openapi
check-openapi: .venv $(REDOCLY) ## the OpenAPI document follows Redocly's recommended rules
	$(BIN)/python -m dev.openapi.document .local/openapi.json
	REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true \
		$(REDOCLY) lint --config dev/openapi/redocly.yaml .local/openapi.json

$(REDOCLY): dev/openapi/package.json dev/openapi/package-lock.json | .venv
	@command -v npm > /dev/null || $(LOCAL) install nodejs npm
	@mkdir -p $(REDOCLY_HOME)
	@cp dev/openapi/package.json dev/openapi/package-lock.json dev/openapi/.npmrc $(REDOCLY_HOME)
	cd $(REDOCLY_HOME) && npm ci --ignore-scripts --loglevel=error
	@touch $@

.PHONY: check-hooks
check-hooks: .venv ## the pre-commit configuration is valid
	$(BIN)/pre-commit validate-config

.PHONY: check-deploy
check-deploy: .venv ## the Dockerfile, the Compose file and the Kubernetes base are valid; needs no Docker
	$(BIN)/hadolint deploy/Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	deploy/kubernetes/check.sh $(BIN)/kubernetes-validate

##@ Change the code

.PHONY: fmt
fmt: .venv ## format the code, fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: docs
docs: .venv ## regenerate every table in the documentation from the code
	$(BIN)/python -m dev.docs

.PHONY: hooks
hooks: .venv ## run lint, types and imports before each git commit
	$(BIN)/pre-commit install

.PHONY: vendor-docs
vendor-docs: ## update the vendored Swagger UI; needs npm and VERSION=...; then run test-browser
	sh services/gateway/api/static/swagger-ui/vendor.sh $(VERSION)

##@ Measure

.PHONY: bench
bench: .venv ## images per second and CPU per image, beside a bare Pillow loop
	@$(LOCAL) prepare servers
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: bench-compress
bench-compress: .venv ## the compressor beside three peers: fit, cost, quality, memory; ARGS=--quick: every sixth file
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r benchmarks/compress/requirements.txt
	$(BIN)/python -m benchmarks.compress $(ARGS)

.PHONY: bench-catalogue
bench-catalogue: .venv ## validate, upload and import a million rows, with a kill -9 during the import
	@$(LOCAL) prepare servers
	$(BIN)/python -m benchmarks.catalogue $(ARGS)

.PHONY: bench-peers
bench-peers: .venv ## beside a bare Pillow loop, img2dataset and Celery on the same files; ARGS='--images 160 --sizes 240'
	@$(LOCAL) prepare servers
	@$(BIN)/python -m venv .local/peers
	@.local/peers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r benchmarks/peers/requirements.txt
	$(BIN)/python -m benchmarks.peers $(ARGS)

.PHONY: bench-scale
bench-scale: .venv ## images per second of messaging and state with 1, 2 and 4 processes of each worker; simulated codec
	@$(LOCAL) prepare servers
	$(BIN)/python -m benchmarks.scale $(ARGS)

.PHONY: bench-million
bench-million: .venv ## a million small images in one request, for hours; ARGS='--images 20000'
	@$(LOCAL) prepare servers
	$(BIN)/python -m benchmarks.million $(ARGS)

.PHONY: bench-latency
bench-latency: .venv ## one image on an idle stack, from the upload to the webhook
	@$(LOCAL) prepare servers
	$(BIN)/python -m benchmarks.latency $(ARGS)

.PHONY: bench-fetches
bench-fetches: .venv ## CPU time per download beside plain httpx, and what hosts that flood cost the others
	$(BIN)/python -m benchmarks.fetches $(ARGS)

.PHONY: soak
soak: .venv ## 100,000 small images, with the memory of every process over time
	@$(LOCAL) prepare servers
	$(BIN)/python -m benchmarks.soak $(ARGS)

##@ Dependencies

.PHONY: .venv
.venv: .venv/.installed

.venv/.installed: requirements/dev.txt
	@sh deploy/local/setup-venv.sh "$(PYTHON)" $<
	@touch $@

UV := .local/uv/bin/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header $(if $(UPGRADE),--upgrade)

.PHONY: lock
lock: .venv $(UV) ## regenerate requirements/*.txt from pyproject.toml; UPGRADE=1 takes the newest versions
	$(COMPILE) pyproject.toml --all-extras -o requirements/dev.txt
	for service in $(SERVICES); do \
		$(COMPILE) pyproject.toml --extra $$service -c requirements/dev.txt -o requirements/$$service.txt || exit 1; \
	done
	$(COMPILE) requirements/mongod.in --no-deps -o requirements/mongod.txt
	$(COMPILE) benchmarks/peers/requirements.in -o benchmarks/peers/requirements.txt

$(UV):
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --target .local/uv uv==$(UV_VERSION)
