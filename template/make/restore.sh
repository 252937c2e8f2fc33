# Put the database back to what it was at a time; called by "make restore".
set -eu
say() { printf '%s\n' "$@" >&2; }
TIMELINE=${TIMELINE:-} REPOSITORY=${REPOSITORY:-}
if [ -z "${TO:-}" ]; then
  say 'Say to when: make restore TO="2026-11-23 10:30:00+00", or TO=latest for all that was archived.' \
    "make backups lists what there is."
  exit 2
fi
case $TIMELINE$REPOSITORY in *[!0-9]*) say "TIMELINE and REPOSITORY are numbers."; exit 2 ;; esac

$COMPOSE build --quiet postgres backup
asked='. /opt/cluster/repositories.sh && exec python3 /opt/backup/history.py "$@"'
found=$($COMPOSE run --rm --no-deps -T backup sh -c "$asked" history "$TO" "$REPOSITORY" "$TIMELINE")
REPOSITORY=${found%% *} to=${found#* }

# With all of it in the archive, the way back is another restore; otherwise the files are kept. The id
# of a transaction makes this one leave a commit: a recovery looks for one that is later than its target.
keep=keep
for node in postgres postgres_standby; do
  current=$($COMPOSE exec -T "$node" timeout 10 psql -qAt -U app -d app -c \
    "SELECT timeline_id FROM pg_control_checkpoint(), pg_current_xact_id()" 2>/dev/null) || :
  if [ -n "$current" ] && $COMPOSE exec -T backup sh -c \
    '. /opt/cluster/repositories.sh && pgbackrest --stanza=main check'; then
    keep=
    back="make restore TO=latest TIMELINE=$current"
  fi
done

# What the primary's files alone have is kept with them, so it is that node which is restored.
node=$($COMPOSE run --rm --no-deps -T --entrypoint cat postgres \
  /var/lib/postgresql/cluster/primary 2>/dev/null) || node=postgres

say "Restoring to $to from repository $REPOSITORY. Until that is done, nothing is served."
uses="data_postgres_api backup postgres_standby postgres"
running=$($COMPOSE ps --quiet --status running $uses)
$COMPOSE stop $uses
$COMPOSE run --rm --no-deps -T --entrypoint "sh /opt/cluster/restore.sh" "$node" \
  "$to" "$TIMELINE" "$REPOSITORY" "$keep"
say "The database is what it was at $to."
if [ -n "$running" ]; then
  $COMPOSE --progress quiet up --detach --wait --no-recreate $uses
else
  say "Nothing was running, so nothing was started: make up, or make prod."
fi
[ -n "$keep" ] || say "To take that back: $back"
