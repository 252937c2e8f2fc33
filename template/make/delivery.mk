# Versions: released, brought into production, watched, and taken back.
.PHONY: release images push registry-login rollout rollback versions deploy deploy-back unit integration discard

# From the command line only: many environments have a VERSION of their own.
ifneq ($(origin VERSION),command line)
override VERSION :=
endif
# Refuses values that make or a shell would run, before anything expands them.
define plain
ifneq ($$(findstring $$$$,$$(value $(1)))$$(findstring ',$$(value $(1))),)
$$(error $(1) is $(3); it has a forbidden character)
endif
ifneq ($$(shell case '$$(value $(1))' in (*[!$(2)]*) echo no ;; esac),)
$$(error $(1) is $(3); it has a forbidden character)
endif
endef
$(eval $(call plain,VERSION,0-9A-Za-z.-,a version such as 1.2.3))
$(eval $(call plain,IMAGES,0-9A-Za-z./:_-,a path in a registry such as ghcr.io/acme/app))
$(eval $(call plain,WATCH,0-9,a number of seconds))
# As a tag has it or without the letter.
override VERSION := $(patsubst v%,%,$(VERSION))
export VERSION
# Docker takes small letters only, and the names of repositories may have others.
ifdef IMAGES
override IMAGES := $(shell printf '%s' "$(IMAGES)" | tr '[:upper:]' '[:lower:]')
export IMAGES
endif

# All that starts production goes by the roll-out, so that it interrupts nobody.
START = @COMPOSE="$(COMPOSE)" python3 make/rollout.py $(VERSION) $(if $(WATCH),--watch $(WATCH)) || \
	{ code=$$?; [ $$code != 2 ] || $(COMPOSE) logs --tail 3 $(SUSPECTS); exit $$code; }
IN_PRODUCTION = images push rollout rollback versions
$(IN_PRODUCTION): FOR = prod
VERSIONED = @sh make/version.sh "$(VERSION)"

unit: setup ## Run the unit tests alone
	$(UV) run pytest --no-cov services shared

integration: setup ## Run the tests that need a database and other processes
	$(UV) run pytest --no-cov tests --ignore tests/service

discard: ## Stop what a job has started, and delete its data and images: wants COMPOSE_PROJECT_NAME
	@[ -n "$$COMPOSE_PROJECT_NAME" ] || { \
	  echo 'This deletes data. Say whose in the environment: COMPOSE_PROJECT_NAME'; exit 2; }
	$(COMPOSE) down --volumes --rmi local

release: ## Give what is checked out a version: make release VERSION=1.2.3
	@VERSION="$(VERSION)" ANY_BRANCH=$(call given,ANY_BRANCH) sh make/release.sh

images: env ## Build the images of a version
	$(VERSIONED)
	IMAGE_TAG=$(VERSION) $(COMPOSE) build

# One after the other: services share images, and a registry may stumble over the same layer twice at once.
push: env ## Push the images of a version to the registry that IMAGES names
	$(VERSIONED)
	COMPOSE_PARALLEL_LIMIT=1 IMAGE_TAG=$(VERSION) $(COMPOSE) push --quiet

registry-login: ## Log Docker in to REGISTRY as REGISTRY_USER, with REGISTRY_PASSWORD from the environment
	@printf '%s' "$$REGISTRY_PASSWORD" | docker login --username "$$REGISTRY_USER" --password-stdin "$$REGISTRY"

rollout: ## Bring a version into production on this machine: VERSION=1.2.3, WATCH=60
	$(VERSIONED)
	@$(MAKE) --no-print-directory prod VERSION=$(VERSION)

rollback: env ## Take the services back to the version before, or to VERSION=1.2.2
	@COMPOSE="$(COMPOSE)" python3 make/rollout.py --back $(VERSION) $(if $(WATCH),--watch $(WATCH))

versions: env ## Show what runs, and what it can be taken back to
	@COMPOSE="$(COMPOSE)" python3 make/versions.py

deploy: ## Roll a version out on a host: TO=deploy@app.example VERSION=1.2.3
	$(VERSIONED)
	@TO=$(call given,TO) sh make/deploy.sh rollout

deploy-back: ## Take a host back to an earlier version: TO=deploy@app.example VERSION=1.2.2
	$(VERSIONED)
	@TO=$(call given,TO) sh make/deploy.sh rollback
