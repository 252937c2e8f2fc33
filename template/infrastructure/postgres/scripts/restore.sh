# Put the database back to what it was at a time, from a backup and the archive. It is recovered here
# and not at the node's start, so that no target is left behind for the next standby to stop at.
set -eu
. /opt/cluster/cluster.sh
lock
to=$1 timeline=$2 repository=$3 keep=$4

if [ "$keep" = keep ] && [ -s "$PGDATA/PG_VERSION" ] && [ ! -f "$RESTORING" ]; then
  copy=$CLUSTER/replaced-$(date -u +%Y%m%d-%H%M%S)
  echo "The database did not answer, so its files are kept: $copy in the volume postgres_cluster."
  cp --archive --reflink=auto "$PGDATA" "$copy"
fi
# Whatever happens from here on, neither node must come back with a part, or with what was replaced.
touch "$RESTORING" "$CLUSTER/$PEER.cloning"
rm -f "$CLUSTER/$NODE.cloning" "$CLUSTER/alone"
choose "$NODE"
empty

set -- --stanza=main --repo="$repository" --target-timeline="${timeline:-latest}" --log-level-console=info
[ "$to" = latest ] || set -- "$@" --type=time "--target=$to" --target-action=promote
pgbackrest "$@" restore

sed -i -E '/^restore_command/d' "$PGDATA/postgresql.auto.conf"
postgres -c config_file=/tmp/postgresql.conf -c listen_addresses= -c \
  "restore_command=pgbackrest --stanza=main --repo=$repository archive-get %f \"%p\"" &
server=$!
until [ "$(psql -qAt -U app -d app -c 'SELECT pg_is_in_recovery()' 2>/dev/null)" = f ]; do
  kill -0 "$server" 2>/dev/null || {
    echo "The recovery did not reach its target; the lines above say why. For all there is: TO=latest" >&2
    exit 1
  }
  sleep 1
done
pg_ctl stop --pgdata "$PGDATA" --mode fast --timeout 3600 >/dev/null
sed -i -E '/^recovery_target/d' "$PGDATA/postgresql.auto.conf"
rm "$RESTORING"
