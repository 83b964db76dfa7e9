# The one way in, for people and for CI. Each target sets up what it needs by itself; `make help` lists them.

PYTHON ?= python3
VENV ?= .venv
# Which build of torch is right depends on the machine; this is passed to pip as it stands. pip's own settings hold as
# well, PIP_EXTRA_INDEX_URL among them. CONTRIBUTING says more.
TORCH_INSTALL ?= torch==2.13.0
PYTEST_ARGS ?=

# What `make review` looks at: the demo change, or the changes of another repository.
REPO ?=
RANGE ?=
# What `make bench` measures on, and what `make export` turns into which bundle.
PAIRS ?=
CHECKPOINT ?=
CALIBRATION ?= $(wildcard $(CHECKPOINT)/calibration.json)
BUNDLE ?= models/default
ARGS ?=

PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install -qq
RUNTIME := $(VENV)/.runtime-installed
EVERYTHING := $(VENV)/.everything-installed
# What tests need beyond Python: editors, a browser, Node.
TOOLS ?= .tools
TEST_TOOLS := $(TOOLS)/.installed
EXTENSION := vscode-extension/dist/themis-review.vsix
EXTENSION_SOURCES := $(shell find vscode-extension -name node_modules -prune -o -name dist -prune -o -type f -print)

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

.PHONY: help setup review test check docs pages fix bench train-small export extension

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(EVERYTHING) ## Install all that development needs into .venv (the other targets do so by themselves)

review: $(RUNTIME) ## Review the demo change; another one with REPO=path RANGE=a...b, options with ARGS='--format json'
	@$(VENV)/bin/themis review $(if $(REPO)$(RANGE),-C '$(or $(REPO),.)' $(RANGE),examples/demo/base examples/demo/head) $(ARGS)

test: $(EVERYTHING) $(TEST_TOOLS) $(EXTENSION) ## Run the tests; some of them with PYTEST_ARGS='tests/review_core -k diff'
	$(if $(PYTEST_ARGS),,@scripts/extension-npm $(TOOLS) test)
	@THEMIS_TOOLS='$(TOOLS)' $(PY) -m pytest $(PYTEST_ARGS)

check: $(EVERYTHING) docs ## Lint, check the format and the types, build the documentation
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@scripts/extension-npm $(TOOLS) check

docs: $(EVERYTHING) ## Build the documentation site and the manual pages; a warning, such as a broken link, fails
	@$(PY) -m scripts.documents.manual_pages build/man
	@$(PY) -m scripts.documents.prepare build/pages
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict

pages: $(EVERYTHING) ## Run the commands and examples that pages show, and write down what they say now
	@$(PY) -m scripts.documents.transcripts docs/tutorial.md
	@$(PY) -m scripts.documents.axis_examples docs/axes/*.md

fix: $(EVERYTHING) ## Mend what lint and format can mend, and write generated pages again
	@$(PY) scripts/configuration_page.py docs/configuration.md
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: $(RUNTIME) ## Measure the bundled model on preference pairs: PAIRS=pairs.jsonl.zst
	$(if $(PAIRS),,$(error name a file of preference pairs: make bench PAIRS=pairs.jsonl.zst))
	@$(VENV)/bin/themis bench '$(PAIRS)' $(ARGS)

train-small: $(EVERYTHING) ## Walk the whole road in minutes: train, calibrate, export, verify and use a toy model
	@rm -rf runs/small
	@scripts/train-small $(VENV)/bin runs/small

export: $(EVERYTHING) ## Make a bundle of a trained checkpoint: CHECKPOINT=folder (CALIBRATION=file BUNDLE=folder)
	$(if $(CHECKPOINT),,$(error name a trained checkpoint: make export CHECKPOINT=folder))
	@$(VENV)/bin/themis-export bundle '$(CHECKPOINT)' '$(BUNDLE)' $(if $(CALIBRATION),--calibration '$(CALIBRATION)') $(ARGS)

extension: $(EXTENSION) ## Build the VS Code extension, a .vsix to install
	@ls '$(CURDIR)/$(EXTENSION)'

$(EXTENSION): $(EXTENSION_SOURCES)
	@scripts/extension-npm $(TOOLS) build package test:host

# --- set-up ----------------------------------------------------------------------------------------------------------
# An environment holds the runtime alone, or everything. The stamps make a second call free; a change to pyproject.toml
# installs again what it asks for.

$(RUNTIME): pyproject.toml
	@scripts/install-system-packages $(PYTHON)
	@scripts/create-venv $(PYTHON) $(VENV)
	@echo "Installing the runtime into $(VENV)" >&2
	@$(PIP) --editable '.[cpu]'
	@touch $@

# After the runtime, so that two targets made at once (make -j) do not install into one environment together. torch
# first and alone: the extras take the build that is there.
$(EVERYTHING): $(RUNTIME)
	@echo "Installing torch, then the tools for training, export and development, into $(VENV): a few minutes" >&2
	@$(PIP) $(TORCH_INSTALL)
	@$(PIP) --editable '.[cpu,lsp,app,mcp,otel,train,scale,export,dev]'
	@touch $@

# The script makes the stamp, when all could be had.
$(TEST_TOOLS): scripts/install-test-tools
	@scripts/install-test-tools $(TOOLS)
