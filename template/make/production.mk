# The gateway's certificate, the production stack, its monitoring, and tests of the running system.
.PHONY: lock certs letsencrypt renew secrets prod prod-down monitoring service-test baseline load

up dev: lock certs
verify: certs
prod letsencrypt renew prod-down: FOR = prod

lock: uv ## Lock the dependencies, unless the lock is up to date: images are built from it
	@$(UV) lock --check --quiet 2>/dev/null || { $(UV) lock --quiet && \
	  echo "Commit the lock: git add uv.lock && git commit -m 'Lock the dependencies'"; }

certs: env ## Make a self-signed certificate for GATEWAY_HOSTS, where there is no good one
	@sh make/gateway.sh
	@sh make/certs.sh

# Certificates that browsers trust. The production stack must run, and port 80 be open to all.
HOSTS = $(or $(shell sh make/dotenv.sh GATEWAY_HOSTS),localhost 127.0.0.1)
CERTBOT = $(COMPOSE) run --rm -T certbot
# Both files are fetched before either is written; in place, because the container sees the files.
INSTALL_CERTIFICATE = for file in fullchain privkey; do \
	  $(COMPOSE) run --rm -T --entrypoint cat certbot \
	    "/etc/letsencrypt/live/$(firstword $(HOSTS))/$$file.pem" > certs/$$file.new || exit 1; \
	done; \
	for file in fullchain privkey; do cat certs/$$file.new > certs/$$file.pem; rm certs/$$file.new; done; \
	$(COMPOSE) exec -T gateway nginx -t && $(COMPOSE) exec -T gateway nginx -s reload
# What nginx would not take is tried before anything is stopped, if something runs.
TRY = test "$$($(COMPOSE) ps --quiet --status running gateway business_api | wc -l)" -lt 2 || \
	$(COMPOSE) run --rm --no-deps -T gateway nginx -t -q
# Files that are mounted may have changed without their container being made anew. To read them again
# interrupts nobody; only for nginx.conf the gateway starts anew, because a container keeps seeing the
# file that was there when it started.
QUIETLY = $(COMPOSE) --progress quiet
RESTARTED += grafana
APPLY = { $(COMPOSE) exec -T gateway cat /etc/nginx/nginx.conf | cmp -s - infrastructure/nginx/nginx.conf && \
	  $(COMPOSE) exec -T gateway sh /etc/nginx/scripts/start.sh nginx -s reload 2>/dev/null || \
	  $(QUIETLY) restart --no-deps gateway; } && \
	$(QUIETLY) kill --signal HUP prometheus blackbox && $(QUIETLY) restart --no-deps $(RESTARTED) && \
	$(QUIETLY) up --detach --wait --no-recreate --no-deps gateway prometheus $(RESTARTED)

letsencrypt: env ## Get a certificate from Let's Encrypt for GATEWAY_HOSTS: EMAIL=you@example.org
	@test -n "$(EMAIL)" || { echo "Say whom to warn: make letsencrypt EMAIL=you@example.org"; exit 2; }
	$(CERTBOT) certonly --webroot --webroot-path /var/www/acme --non-interactive --agree-tos \
	  --cert-name "$(firstword $(HOSTS))" --renew-with-new-domains --keep-until-expiring \
	  --email "$(EMAIL)" $(patsubst %,--domain %,$(HOSTS)) $(CERTBOT_OPTIONS)
	$(INSTALL_CERTIFICATE)

renew: env ## Renew that certificate if it is time to; let cron run it every day
	$(CERTBOT) renew --quiet
	$(INSTALL_CERTIFICATE)

secrets: env ## Write the secrets of .env to secrets/, where production reads them
	@sh make/secrets.sh

# A secret is read at the start, so whoever reads one that has changed starts anew.
START_ANEW = readers=$$($(COMPOSE) config --format json | python3 make/readers.py secrets/.changed) && \
	{ test -z "$$readers" || { echo "Restarting for new secrets:" $$readers && \
	  $(QUIETLY) restart --no-deps $$readers && \
	  $(QUIETLY) up --detach --wait --no-recreate --no-deps $$readers; }; }
SUSPECTS += gateway
START ?= $(COMPOSE) up --build --detach --wait --remove-orphans || { $(COMPOSE) logs --tail 3 $(SUSPECTS); exit 1; }
prod: certs secrets ## Build, migrate and start the production stack
	@test -f uv.lock || { echo 'There is no uv.lock: run "make setup", then commit it.'; exit 1; }
	@$(TRY)
	$(START)
	@[ ! -f secrets/.changed ] || { $(START_ANEW) && rm secrets/.changed; }
	@$(APPLY)
	@echo "The gateway serves https://$(firstword $(HOSTS))"

prod-down: ## Stop the production stack; the data stay
	$(COMPOSE) down

RULE_TESTS += /etc/prometheus/alerts.test.yml /etc/prometheus/certificate.test.yml \
	$(patsubst infrastructure/%,/etc/%,$(wildcard infrastructure/prometheus/rules/tests/*.yml))
monitoring: env ## Check Prometheus' configuration, and that each alert fires when it should
	$(COMPOSE) run --rm --no-deps -T --entrypoint promtool prometheus \
	  check config /etc/prometheus/prometheus.yml
	$(COMPOSE) run --rm --no-deps -T --entrypoint promtool prometheus \
	  test rules $(RULE_TESTS)

# Tests may do what the journey takes, and nothing more.
CALLER = $(MAKE) --silent --no-print-directory auth-header ROLES="$(shell sed -n 's/^ROLES = "\(.*\)".*/\1/p' journey.py 2>/dev/null)"
SERVICE_TESTS += tests/service

service-test: setup ## Test the running system through its gateway
	@GATEWAY_URL="https://$$($(COMPOSE) port gateway 8443)" GATEWAY_HOST="$(firstword $(HOSTS))" CALLER="$$($(CALLER) WHO=test-$$(date +%s))" \
	  $(UV) run pytest --no-cov $(SERVICE_TESTS)

LOAD = BUSINESS_API="$$($(COMPOSE) port business_api 8000)" CALLER="$$($(CALLER) WHO=load-test)" \
	  $(UV) run --isolated --only-group load python tests/load/run.py

baseline: uv ## Measure the running system and keep the result as the baseline; commit it
	@$(LOAD) record

load: uv ## Measure the running system, and fail when it is slower than the baseline
	@$(LOAD) compare
