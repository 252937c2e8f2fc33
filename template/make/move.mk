# Moving up, adding a module, changing an answer, taking template updates, and the way back.
MOVES = LEVEL MODULE TEMPLATE SOURCE CI_PROVIDER NAME DESCRIPTION AUTHOR PYTHON REMOVE DRY_RUN
# A variable as one word of the shell: neither make nor the shell runs what is in it.
given = '$(subst ','\'',$(value $(1)))'
# From the command line only: in the environment, LEVEL and NAME may mean something else.
asked = $(if $(findstring command,$(origin $(1))),$(call given,$(1)))
MOVE = $(foreach name,$(MOVES),$(name)=$(call asked,$(name))) \
  UV="$(UV)" COMPOSE="$(COMPOSE)" PYTHONDONTWRITEBYTECODE=1 \
  $(UV) run --quiet --no-project --script make/move.py

.PHONY: upgrade downgrade remove-example docs-check
upgrade: uv ## Move up: LEVEL=2, MODULE=name, TEMPLATE=latest, NAME="New name" (DRY_RUN=yes shows it)
	@$(MOVE) up

downgrade: env uv ## Move down, after a backup of the data: LEVEL=1 or MODULE=name (DRY_RUN=yes shows it)
	@$(MOVE) down

remove-example: uv ## Take the example away, and keep the rows of its tables (DRY_RUN=yes shows it)
	@$(MOVE) without-example

docs-check: uv ## Check that files named in the docs exist, in lines that you have not edited
	@$(MOVE) docs-check
