# The primary and its standby, backups and their restore.
.PHONY: nodes promote rejoin backup backups restore drill-failover drill-restore

SUSPECTS += postgres postgres_standby

# What runs was started with the files of production or of development, and goes on with them.
promote rejoin restore: FOR = $(if $(findstring docker-compose.prod.yml,$(shell \
	docker compose ps --all --format '{{.Labels}}')),prod)

NODE_STATE = SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END || coalesce((SELECT \
	', followed by ' || application_name || ' (' || sync_state || ', ' || state || '), ' || \
	pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) || ' bytes and ' || \
	coalesce(extract(epoch FROM replay_lag)::numeric(9, 3), 0) || ' s behind' FROM pg_stat_replication), '')

nodes: env ## Show which node is the primary, and how far the standby is behind
	@for node in postgres postgres_standby; do \
	  printf '%-17s' "$$node"; \
	  $(COMPOSE) exec -T "$$node" psql -qAt -U app -d app -c "$(NODE_STATE)" 2>/dev/null || echo "does not answer"; \
	done

promote: env ## Make the standby the primary, because the old one is lost or needs a rest
	@COMPOSE="$(COMPOSE)" FORCE=$(call given,FORCE) sh make/promote.sh

rejoin: env ## Make the node that is no primary any more a standby; COPY=yes copies it anew
	@COMPOSE="$(COMPOSE)" COPY=$(call given,COPY) sh make/rejoin.sh

PGBACKREST = $(COMPOSE) exec -T backup sh -c '. /opt/cluster/repositories.sh && pgbackrest --stanza=main "$$@"' pgbackrest

backup: env ## Make a backup now: TYPE=full, diff or incr, REPOSITORY=1
	$(PGBACKREST) --repo=$(if $(value REPOSITORY),$(call given,REPOSITORY),1) --type=$(if $(value TYPE),$(call given,TYPE),incr) backup

backups: env ## List the backups, and from when to when the archive reaches
	@$(PGBACKREST) info

restore: env ## Put the database back: TO="2026-11-23 10:30:00+00" or TO=latest
	@COMPOSE="$(COMPOSE)" TO=$(call given,TO) TIMELINE=$(call given,TIMELINE) REPOSITORY=$(call given,REPOSITORY) sh make/restore.sh

drill-failover: certs lock ## Kill the primary of a stack of its own, and measure what that costs
	@python3 make/drill.py failover

drill-restore: certs lock ## Lose the data of a stack of its own, and measure how they come back
	@python3 make/drill.py restore
