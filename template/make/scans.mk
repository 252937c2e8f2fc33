# What is shipped is looked through: commits for secrets, images for known holes.
.PHONY: secret-scan image-scan sbom
GITLEAKS = ghcr.io/gitleaks/gitleaks:v8.30.1
TRIVY = aquasec/trivy:0.68.1
SCANNERS = vuln,secret
image-scan sbom: FOR = prod

secret-scan: ## Look for secrets in every commit
	@docker run --rm --volume "$(CURDIR):/project:ro" \
	  --env GIT_CONFIG_COUNT=1 --env GIT_CONFIG_KEY_0=safe.directory --env GIT_CONFIG_VALUE_0=/project \
	  $(GITLEAKS) git --no-banner --redact --verbose /project

image-scan: env ## Look for holes and secrets in the images of a version: VERSION=1.2.3
	$(VERSIONED)
	@COMPOSE="$(COMPOSE)" TRIVY="$(TRIVY)" SCANNERS="$(SCANNERS)" sh make/scan-images.sh scan

sbom: env ## Write what is in the images of a version to reports/sbom-*.cdx.json: VERSION=1.2.3
	$(VERSIONED)
	@COMPOSE="$(COMPOSE)" TRIVY="$(TRIVY)" sh make/scan-images.sh sbom
