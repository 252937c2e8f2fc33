# Who is told of alerts, and what decides it.
.PHONY: receivers routes
RESTARTED += alertmanager
SUSPECTS += alertmanager elk_setup kibana_setup

prod: receivers
receivers: env ## Say which alerts nobody is told of
	@sh make/receivers.sh

monitoring: routes
routes: env
	$(COMPOSE) run --rm --no-deps -T alertmanager check
