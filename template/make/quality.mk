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
