# Make the node that is not the primary a standby again; called by "make rejoin".
set -eu
$COMPOSE ps --quiet >/dev/null  # fails here if Docker does
say() { printf '%s\n' "$@" >&2; }
role() { # NODE: t for a standby, f for a primary, nothing when it does not answer
  $COMPOSE exec -T "$1" timeout 10 psql -qAt -U app -d app -c 'SELECT pg_is_in_recovery()' 2>/dev/null || :
}

if [ "$(role postgres)" = f ]; then node=postgres_standby
elif [ "$(role postgres_standby)" = f ]; then node=postgres
else
  say "No primary answers, so there is nothing to follow. Start both nodes first, or: make promote"
  exit 1
fi
if [ "$(role $node)" = t ] && [ "${COPY:-}" != yes ]; then
  say "$node is a standby already. To copy it anew: make rejoin COPY=yes"
  exit
fi
$COMPOSE rm --stop --force "$node" >/dev/null 2>&1
$COMPOSE run --rm --no-deps -T --entrypoint "sh /opt/cluster/rejoin.sh" "$node" "${COPY:-}"
# Without its node, a slot that cannot be used any more is made anew.
$COMPOSE run --rm --no-deps -T --env POSTGRES_SYNCHRONOUS=off postgres_setup
$COMPOSE --progress quiet up --detach --wait --no-deps "$node" ||
  { $COMPOSE logs --tail 5 "$node" >&2; exit 1; }
$COMPOSE exec -T "$node" rm -f /var/lib/postgresql/cluster/alone
$COMPOSE run --rm --no-deps -T postgres_setup
say "$node is the standby now."
