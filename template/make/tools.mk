# The tools on your machine: uv is taken from the PATH, or put into .uv/ by the first target that
# needs it. pyenv's shims hide interpreters from uv, so all that it has are named, newest first.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .uv/bin/uv)
PYENV_ALL := $(shell pyenv versions --bare 2>/dev/null | sort -rV | paste -sd: -)
ifneq ($(PYENV_ALL),)
export PYENV_VERSION := $(PYENV_ALL)
endif

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed 's/:.*## /|/' | \
	  awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: uv
uv:
	@$(UV) --version >/dev/null 2>&1 || { \
	  python3 -c 'import venv' 2>/dev/null || \
	    { echo "Install uv (https://docs.astral.sh/uv/) or Python 3 with venv, then try again."; exit 1; }; \
	  python3 -m venv .uv && .uv/bin/pip install --quiet uv; }
