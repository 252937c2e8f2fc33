# The pipelines, which GitHub Actions runs.
.PHONY: pipelines
pipelines: setup ## Check the pipelines: their shape, and that they may do no more than they need
	$(UV) run check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(UV) run zizmor --offline --quiet .github
