# Stagecraft's own targets. "make new" and "make test" do all of their set-up themselves.
.DEFAULT_GOAL := help

# Before anything expands them: make would run a $(shell ...) in a value that somebody hands on.
$(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(if \
  $(findstring $$,$(value $(name))),$(error $(name) contains a dollar sign, which make would expand))))

# pyenv's shims hide interpreters from uv, so all that pyenv has are named, newest first.
PYENV_ALL := $(shell pyenv versions --bare 2>/dev/null | sort -rV | paste -sd: -)
ifneq ($(PYENV_ALL),)
export PYENV_VERSION := $(PYENV_ALL)
endif

# Where bytecode is not kept, each tool compiles all that it imports whenever it starts.
unexport PYTHONDONTWRITEBYTECODE

# From the PATH, or put into .uv/ by the first target that needs it.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .uv/bin/uv)
RUN = $(UV) run --quiet
LEVEL = 1
TESTS = tests
# More than two cores need: tests of stacks wait for most of their time.
WORKERS ?= 3
PYTEST = $(RUN) pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# From the command line only: WSL has a NAME of its own in the environment.
define only_from_the_command_line
ifneq ($$(origin $(1)),command line)
override $(1) :=
endif
endef
$(foreach name,DEST NAME DESCRIPTION AUTHOR PYTHON CI_PROVIDER MODULES EXAMPLE,$(eval $(call only_from_the_command_line,$(name))))
export NAME DESCRIPTION AUTHOR PYTHON CI_PROVIDER MODULES EXAMPLE

.PHONY: help new test lint matrix-full combinations green bench docs setup uv
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /|/' | \
	  awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

new: export DEST := $(DEST)
new: export LEVEL := $(LEVEL)
new: setup ## Start a project: make new DEST=../shop LEVEL=2 (MODULES=a,b EXAMPLE=no and more: see README)
	@RUN="$(RUN)" UV="$(UV)" sh scripts/new.sh

test: setup lint ## Run the tests, on a covering array of the combinations: TESTS=tests/static for a part
	$(PYTEST) --durations 30 $(TESTS)

lint: setup ## Check style and types of the template's own code
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) yamllint --strict stages.yml modules copier.yml .github

matrix-full: setup ## Run every combination, and the tests that take minutes and see little more
	STAGECRAFT_MATRIX=full $(PYTEST) $(TESTS)

combinations: setup
	@$(RUN) python -c 'import json; from tests.support.matrix import every; print("matrix=" + json.dumps(every()))'

green: setup ## Render one combination and run its own gates: make green COMBINATION=level2-3.13
	STAGECRAFT_MATRIX=full $(RUN) pytest "tests/stacks/under_load/test_make_verify.py::test_make_verify_is_green[$(COMBINATION)]"

bench: setup ## Measure speed and cost against baselines of the same run, into docs/benchmarks.md
	$(RUN) python -m benchmarks $(PART)

docs: setup ## Draw the tables of README.md from stages.yml again
	$(RUN) python -m extensions.readme

setup: uv
	@$(UV) sync --quiet --locked || { \
	  echo "The set-up failed: uv says why above. It needs Python 3.12 or newer, or leave to download one."; \
	  exit 1; }

uv:
	@$(UV) --version >/dev/null 2>&1 || { \
	  python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Install uv (https://docs.astral.sh/uv/) or Python 3.11 or newer, with venv, as python3."; exit 1; }; \
	  python3 -m venv .uv && .uv/bin/pip install --quiet 'uv>=0.9'; }
