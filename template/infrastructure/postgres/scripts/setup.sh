# Make the primary ready for its standby, whichever node that is: users, slot, and what a commit waits
# for. It runs at every start, because nothing may rest on the first one.
set -eu
. /opt/cluster/secret.sh

PGPASSWORD=$(secret POSTGRES_PASSWORD)
export PGPASSWORD
query() {
  psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --dbname \
    "host=postgres,postgres_standby target_session_attrs=primary user=app dbname=app connect_timeout=2" "$@"
}

# A primary that was killed reads its log anew before it answers, which may take minutes.
tries=${SETUP_SECONDS:-600}
until said=$(query --command 'SELECT 1' 2>&1 >/dev/null); do
  tries=$((tries - 1))
  [ $((tries % 60)) -ne 0 ] || echo "No node is the primary yet: $said" >&2
  if [ "$tries" -le 0 ]; then
    printf '%s\n' "No node is the primary:" "$said" >&2
    exit 1
  fi
  sleep 1
done

# After a promotion there is nobody who could confirm a commit, until there is a standby again.
synchronous=${POSTGRES_SYNCHRONOUS:-off}
if [ "$synchronous" = on ] && [ -f /var/lib/postgresql/cluster/alone ]; then
  echo "Commits do not wait for a standby, because there is none yet: make rejoin" >&2
  synchronous=off
fi

query --set replication_password="$(secret POSTGRES_REPLICATION_PASSWORD)" \
  --set monitor_password="$(secret POSTGRES_MONITOR_PASSWORD)" \
  --set synchronous="$synchronous" <<'SQL'
-- What is done here is never waited for: the standby may not be able to connect before it is done.
SET synchronous_commit = local;
SET client_min_messages = warning;
-- No statement with a password is logged, not even one that fails.
SET log_statement = none;
SET log_min_duration_statement = -1;
SET log_min_error_statement = panic;
SELECT 'CREATE ROLE replicator' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'replicator') \gexec
ALTER ROLE replicator LOGIN REPLICATION PASSWORD :'replication_password';
SELECT 'CREATE ROLE monitor' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'monitor') \gexec
ALTER ROLE monitor LOGIN PASSWORD :'monitor_password';
GRANT pg_monitor TO monitor;

SELECT CASE current_setting('cluster_name') WHEN 'postgres' THEN 'postgres_standby' ELSE 'postgres' END
  AS standby \gset
-- A slot whose segments are gone stays unusable for ever.
SELECT count(pg_drop_replication_slot(slot_name)) AS dropped FROM pg_replication_slots
  WHERE slot_name = :'standby' AND NOT active AND wal_status = 'lost' \gset
SELECT count(pg_create_physical_replication_slot(:'standby', true)) AS made
  WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = :'standby') \gset
SELECT count(pg_drop_replication_slot(slot_name)) AS dropped FROM pg_replication_slots
  WHERE slot_name = current_setting('cluster_name') AND NOT active \gset

SELECT CASE :'synchronous' WHEN 'on' THEN :'standby' ELSE '' END AS names \gset
ALTER SYSTEM SET synchronous_standby_names = :'names';
SELECT count(pg_reload_conf()) AS read \gset
SQL
