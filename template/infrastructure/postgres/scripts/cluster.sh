# What the start of a node, its return as a standby and a restore have in common. To be sourced.
. /opt/cluster/repositories.sh

CLUSTER=/var/lib/postgresql/cluster
umask 077
printf '*:*:*:*:%s\n' "$(secret POSTGRES_REPLICATION_PASSWORD)" > /tmp/replication.pass
PEER_ADDRESS="host=$PEER port=5432 user=replicator passfile=/tmp/replication.pass application_name=$NODE"
# What the database was made with (locale, time zone) is in its own folder.
printf "include '%s'\n" "$PGDATA/postgresql.conf" /etc/postgresql/postgresql.conf > /tmp/postgresql.conf
export PGBACKREST_PG1_PATH="$PGDATA"

# A restore that did not end leaves this behind.
RESTORING=$CLUSTER/$NODE.restoring

# The server, its return as a standby and a restore: one at a time works on the files of a node. Two
# servers would not notice each other, because each is the first process of its container.
lock() {
  exec 9>"$CLUSTER/$NODE.lock"
  flock --timeout 5 9 || {
    echo "Something else works on the files of $NODE: its server, make rejoin or make restore. Wait for" \
      "it, or find its container with docker ps." >&2
    exit 1
  }
}

# A volume that is new lets everybody in, and the server does not start in such a folder.
empty() { find "$PGDATA" -mindepth 1 -delete && chmod 700 "$PGDATA"; }

# Which node is the primary is written at once or not at all.
choose() { # NODE
  echo "$1" > "$CLUSTER/primary.new"
  sync "$CLUSTER/primary.new"
  mv "$CLUSTER/primary.new" "$CLUSTER/primary"
}
