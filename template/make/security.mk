# What the code must pass from level 2 on.
.PHONY: security hooks
security: setup ## Look for insecure code and for dependencies with known holes
	$(UV) run ruff check --select S --per-file-ignores "**/tests/**:S101,**/tests/**:S603" services shared conftest.py
	$(UV) run bandit --quiet --recursive services shared --exclude '*/tests/*'
	$(UV) run pip-audit --progress-spinner off --skip-editable

hooks: setup ## Check every commit before it is made
	$(UV) run prek install
