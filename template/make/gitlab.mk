# The pipelines, which GitLab CI runs.
.PHONY: pipelines
pipelines: setup ## Check the shape of the pipelines
	$(UV) run check-jsonschema --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci .gitlab-ci.yml
