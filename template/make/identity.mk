# Logging in: the first administrator, tokens for curl, the policy, keys, and the audit log.
.PHONY: keys issuer admin token policy rotate-keys audit
IDENTITY = $(COMPOSE) exec -T business_api python -m business_api.identity
ASKING = $(COMPOSE) exec $$(test -t 0 || echo -T) business_api python -m business_api.identity

# From the command line only, as NAME above.
ifneq ($(origin LOGIN),command line)
override LOGIN :=
endif

env: keys
keys:
	@[ -f .env ] || : > .env
	@sh make/keys.sh

# Tokens name the address at which browsers find the system, so production has to be told.
prod: issuer
issuer: env
	@issuer=$$(sh make/dotenv.sh OIDC_ISSUER)$$(sh make/dotenv.sh ISSUER_URL); \
	host=$$(printf '%s\n' "$${issuer:-https://localhost}" | sed -E 's,^[a-z]+://([^/:]+).*,\1,'); \
	[ -n "$$(sh make/dotenv.sh OIDC_ISSUER)" ] || case " $(HOSTS) " in *" $$host "*) ;; \
	  *) echo "ISSUER_URL in .env is at $$host, which GATEWAY_HOSTS lacks: https://$(firstword $(HOSTS))?"; exit 1 ;; esac

admin: env ## Add an administrator of the running system: make admin LOGIN=ada
	@test -n $(call given,LOGIN) || { echo 'Say who: make admin LOGIN=ada'; exit 2; }
	@$(ASKING) admin $(call given,LOGIN)

token: env ## Print a token of the running system for curl: make token WHO=ada ROLES="author"
	@$(IDENTITY) token $(if $(value WHO),$(call given,WHO),operator) $(call given,ROLES)

policy: setup ## List routes with their permissions and tables with their owners; fail for a missing one
	@$(UV) run python -m business_api.identity policy; routes=$$?; echo; \
	$(UV) run python -m data_postgres_api.ownership && exit $$routes

audit: env ## Check that the audit log is what was written: make audit END=12:4f...
	@$(COMPOSE) exec -T data_postgres_api python -m data_postgres_api.audit $(call given,END)

rotate-keys: env ## Let the next key sign tokens; then start the services anew
	@sh make/rotate-keys.sh
