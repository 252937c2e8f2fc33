# Make the standby the primary; called by "make promote". If the primary still answers, it is stopped
# cleanly first, so that nothing is lost; otherwise what it had not sent yet is.
set -eu
$COMPOSE ps --quiet >/dev/null  # fails here if Docker does
say() { printf '%s\n' "$@" >&2; }
role() { # NODE: t for a standby, f for a primary, nothing when it does not answer
  $COMPOSE exec -T "$1" timeout 10 psql -qAt -U app -d app -c 'SELECT pg_is_in_recovery()' 2>/dev/null || :
}

old='' new=''
for node in postgres postgres_standby; do
  case $(role $node) in t) new=$node ;; f) old=$node ;; esac
done
if [ -z "$new" ] && [ -n "$old" ]; then
  say "$old is the primary and works, and there is no standby to promote. To make one: make rejoin"
  exit 1
elif [ -z "$new" ]; then
  say "No standby answers, so there is nothing to promote. Start both nodes first;" \
    "if they are lost: make restore TO=latest"
  exit 1
fi
if [ -n "$old" ]; then
  streaming=$($COMPOSE exec -T "$old" psql -qAt -U app -d app -c \
    "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")
  if [ "$streaming" = 0 ] && [ "${FORCE:-}" != yes ]; then
    say "$old works, and $new does not follow it, so commits would be lost." \
      "See docs/runbooks/replication-lag.md, or say FORCE=yes."
    exit 1
  fi
  say "Stopping $old, which works."
  $COMPOSE stop "$old"
else
  [ "$new" = postgres ] && old=postgres_standby || old=postgres
  say "$old does not answer. It is stopped, so that there are never two primaries."
  $COMPOSE kill "$old" 2>/dev/null || :
fi
if [ -n "$($COMPOSE ps --quiet --status running --status restarting "$old")" ]; then
  say "$old cannot be stopped, so nothing was promoted: there would be two primaries."
  exit 1
fi
$COMPOSE exec -T "$new" sh /opt/cluster/promote.sh
$COMPOSE run --rm --no-deps -T --env POSTGRES_SYNCHRONOUS=off postgres_setup
say "$new is the primary now; the services find it by themselves." \
  "There is no standby until $old is one: make rejoin"
