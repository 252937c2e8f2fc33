# Make the primary a database without a standby, as the lower levels know it.
set -eu
query() { psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 -U app -d app "$@"; }

query <<'SQL'
ALTER SYSTEM RESET synchronous_standby_names;
SELECT count(pg_reload_conf()) AS read \gset
SELECT count(pg_terminate_backend(pid)) AS ended FROM pg_stat_replication \gset
SQL
# Nobody would ever read what a slot keeps.
until query --command "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots" >/dev/null 2>&1; do
  sleep 1
done
