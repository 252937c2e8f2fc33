# Moving up, adding a module, taking template updates, and the way back.
.PHONY: upgrade downgrade
upgrade: uv ## Move up: LEVEL=2, or MODULE=name, or TEMPLATE=latest
	@UV="$(UV)" LEVEL="$(LEVEL)" MODULE="$(MODULE)" TEMPLATE="$(TEMPLATE)" sh make/move.sh up

downgrade: env uv ## Move down, after a backup of the data: LEVEL=1
	@UV="$(UV)" LEVEL="$(LEVEL)" COMPOSE="$(COMPOSE)" sh make/move.sh down
