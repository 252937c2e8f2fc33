# Moving up, adding a module, taking template updates, and the way back.
.PHONY: upgrade downgrade
upgrade: uv ## Move up: LEVEL=2, MODULE=name, TEMPLATE=latest, CI_PROVIDER=gitlab
	@UV="$(UV)" LEVEL="$(LEVEL)" MODULE="$(MODULE)" TEMPLATE="$(TEMPLATE)" \
	  CI_PROVIDER="$(CI_PROVIDER)" REMOVE="$(REMOVE)" sh make/move.sh up

downgrade: env uv ## Move down, after a backup of the data: LEVEL=1 or MODULE=name
	@UV="$(UV)" LEVEL="$(LEVEL)" MODULE="$(MODULE)" COMPOSE="$(COMPOSE)" REMOVE="$(REMOVE)" sh make/move.sh down
