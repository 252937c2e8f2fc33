# Start PostgreSQL as what this node is: the primary, or the hot standby of its peer. Which of the two
# is the primary stands in the volume that both share; only a promotion or a restore writes it.
set -eu
. /opt/cluster/cluster.sh
lock
primary=$(cat "$CLUSTER/primary" 2>/dev/null || echo postgres)
cloning=$CLUSTER/$NODE.cloning

clone() {
  touch "$cloning"
  empty
  echo "Copying the database from $PEER."
  until pg_basebackup --dbname "$PEER_ADDRESS connect_timeout=5" --pgdata "$PGDATA" \
    --checkpoint fast --wal-method stream; do
    echo "$PEER cannot be copied yet; trying again in a second."
    sleep 1
    empty
  done
  touch "$PGDATA/standby.signal"
  # From here on it is known that the primary had data, and is not to begin anew without them.
  [ -f "$CLUSTER/primary" ] || choose "$PEER"
  rm -f "$RESTORING" "$cloning"
}

if [ "$primary" != "$NODE" ]; then
  if [ ! -s "$PGDATA/PG_VERSION" ] || [ -f "$cloning" ]; then
    clone
  elif [ ! -f "$PGDATA/standby.signal" ]; then
    echo "This node was the primary until $PEER was promoted, and may have written what $PEER never" \
      "got. To make it the standby of $PEER, which throws that away: make rejoin" >&2
    exit 1
  fi
elif [ -f "$RESTORING" ]; then
  echo "The restore of this node did not end, so its files are not complete: make restore" >&2
  exit 1
elif [ ! -s "$PGDATA/PG_VERSION" ] && [ -f "$CLUSTER/primary" ]; then
  echo "This node is the primary, and its files are gone. If $PEER has them: make promote. If not:" \
    "make restore TO=latest" >&2
  exit 1
elif [ -f "$PGDATA/standby.signal" ]; then
  echo "This node was chosen as the primary, but is not promoted yet: make promote" >&2
fi

exec docker-entrypoint.sh "$@" -c config_file=/tmp/postgresql.conf -c "cluster_name=$NODE" \
  -c "primary_conninfo=$PEER_ADDRESS" -c "primary_slot_name=$NODE"
