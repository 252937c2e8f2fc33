# The running system. What you change in an included service goes to docker-compose.override.yml.
COMPOSE = docker compose -f docker-compose.yml $(EXTRA) $(patsubst %,-f %,$(wildcard docker-compose.override.yml))

BUSINESS_URL ?= http://$$($(COMPOSE) port business_api 8000)
MIGRATIONS = services/data_postgres_api/migrations

.PHONY: env up down logs migration
env: ## Complete .env from .env.example, with generated secrets
	@sh make/env.sh

up: env ## Build, migrate and start everything
	$(COMPOSE) up --build --detach --wait
	@echo "Business API: $(BUSINESS_URL)/docs (make logs shows what it does)"

down: ## Stop everything; the data stay
	$(COMPOSE) down

logs: ## Follow the logs of all services
	$(COMPOSE) logs --follow

# From the command line only: WSL has a NAME of its own in the environment.
ifneq ($(origin NAME),command line)
override NAME :=
endif

migration: env setup ## Make a revision from the changed models: make migration NAME="add note"
	@test -n "$(NAME)" || { echo 'Say what changes: make migration NAME="add note to orders"'; exit 2; }
	$(COMPOSE) run --rm --build migrate
	$(COMPOSE) run --rm --user "$$(id -u):$$(id -g)" \
	  --volume "$(CURDIR)/$(MIGRATIONS):/app/$(MIGRATIONS)" \
	  migrate alembic revision --autogenerate --head core@head --message "$(NAME)"
	@$(UV) run ruff check --quiet --fix $(MIGRATIONS)
	@$(UV) run ruff format --quiet $(MIGRATIONS)
