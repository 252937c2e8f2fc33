# Make this standby the primary. Its peer has been stopped, and will not start as the primary again.
set -eu
. /opt/cluster/cluster.sh
query() { psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 -U app -d app "$@"; }

# There is nobody yet who could confirm a commit.
query --command 'ALTER SYSTEM RESET synchronous_standby_names' --command 'SELECT pg_reload_conf()' >/dev/null
touch "$CLUSTER/alone"
choose "$NODE"
[ "$(query --command 'SELECT pg_promote(true, 60)')" = t ] ||
  { echo "$NODE did not become the primary within a minute; see its log." >&2; exit 1; }
