# The tools on your machine: uv is taken from the PATH, or put into .uv/ by the first target that
# needs it. pyenv's shims hide interpreters from uv, so all that it has are named, newest first.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .uv/bin/uv)
PYENV_ALL := $(shell pyenv versions --bare 2>/dev/null | sort -rV | paste -sd: -)
ifneq ($(PYENV_ALL),)
export PYENV_VERSION := $(PYENV_ALL)
endif

.PHONY: uv
uv:
	@$(UV) --version >/dev/null 2>&1 || { \
	  python3 -c 'import venv' 2>/dev/null || \
	    { echo "Install uv (https://docs.astral.sh/uv/) or Python 3 with venv, then try again."; exit 1; }; \
	  python3 -m venv .uv && .uv/bin/pip install --quiet uv; }

# What the code must pass.
.PHONY: setup format lint test verify
setup: uv ## Install the development environment and lock the dependencies
	$(UV) sync --quiet --all-packages
	@git ls-files --error-unmatch uv.lock >/dev/null 2>&1 || \
	  echo "Commit the lock: git add uv.lock && git commit -m 'Lock the dependencies'"

format: setup ## Format the code and mend what can be mended
	$(UV) run ruff format .
	$(UV) run ruff check --fix .

lint: setup ## Check style and types
	$(UV) run ruff check .
	$(UV) run ruff format --check .
	$(UV) run mypy

test: setup ## Run the tests, with the coverage that this level asks for
	$(UV) run pytest

verify: env setup ## Run every gate of this level and write reports/qa-report.md
	$(UV) run python make/verify.py
