# Make a node that was the primary the standby of its peer: wound back to where they parted, or, when
# that cannot be done, copied anew at its next start.
set -eu
. /opt/cluster/cluster.sh
lock

if [ "${1:-}" = yes ]; then
  touch "$CLUSTER/$NODE.cloning"
  exit
fi
if [ ! -s "$PGDATA/PG_VERSION" ] || [ -f "$PGDATA/standby.signal" ]; then exit; fi
# A node that was killed left this behind, and it would be taken for a server that still runs.
rm -f "$PGDATA/postmaster.pid"
# Until it is wound back, a copy is what makes it a standby: half of the way leads nowhere.
touch "$CLUSTER/$NODE.cloning"
password=$(secret POSTGRES_PASSWORD)
if PGPASSWORD=$password pg_rewind --target-pgdata "$PGDATA" --config-file /tmp/postgresql.conf \
  --source-server "host=$PEER port=5432 user=app dbname=app" --restore-target-wal; then
  # A slot of its time as the primary would keep segments for ever.
  rm -rf "$PGDATA"/pg_replslot/*
  touch "$PGDATA/standby.signal"
  rm "$CLUSTER/$NODE.cloning"
else
  echo "It cannot be wound back, so it is copied anew."
fi
