# What is shipped is looked through: commits for secrets, images for known holes.
.PHONY: secret-scan image-scan sbom
# By digest, because they read the code and the images: a tag can be moved to another image.
GITLEAKS = ghcr.io/gitleaks/gitleaks:v8.30.1@sha256:c00b6bd0aeb3071cbcb79009cb16a60dd9e0a7c60e2be9ab65d25e6bc8abbb7f
TRIVY = aquasec/trivy:0.74.0@sha256:62b1e65e8869bc4b4c6aa4fa2b21595256c7c2f6018a9d9ad61caf87187c1969
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
