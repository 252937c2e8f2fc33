# What the code must pass from level 2 on.
.PHONY: security hooks
security: setup ## Look for insecure code and for dependencies with known holes
	@! { grep -rnE '#\s*nosec' --include='*.py' services shared | \
	  grep -vE '# nosec B[0-9]+(, B[0-9]+)* +# [^ ]'; } || \
	  { echo "Name the finding and say why it is none, such as: # nosec B105  # the name of a field"; exit 1; }
	$(UV) run ruff check --select S --per-file-ignores "**/tests/**:S101,**/tests/**:S603" services shared conftest.py
	$(UV) run bandit --quiet --recursive services shared --exclude '*/tests/*'
	$(UV) run pip-audit --progress-spinner off --skip-editable

hooks: setup ## Check every commit before it is made
	$(UV) run prek install
