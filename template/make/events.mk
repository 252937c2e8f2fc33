# Events: what is said about them, and where they wait.
.PHONY: events queues
SUSPECTS += rabbitmq outbox_relay

events: setup ## Describe the events in docs/asyncapi.json, after a change of their contracts
	@$(UV) run python -m contracts.asyncapi docs/asyncapi.json

queues: env ## Show the queues of RabbitMQ, and how many events are still to be published
	@$(COMPOSE) exec -T --user rabbitmq rabbitmq rabbitmqctl --quiet list_queues name type messages consumers
	@$(COMPOSE) exec -T postgres psql -qAt -U app -d app -c "SELECT 'in the outbox: ' || count(*) FROM outbox"
