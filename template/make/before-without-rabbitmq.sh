# Let the events that wait leave before their table goes. Called by make/move.py with COMPOSE.
set -eu
waiting() { $COMPOSE exec -T postgres psql -qAt -U app -d app -c 'SELECT count(*) FROM outbox'; }
$COMPOSE stop business_api data_postgres_api >/dev/null 2>&1
tries=0
while [ "$(waiting)" -gt 0 ]; do
  tries=$((tries + 1))
  if [ "$tries" -gt 15 ]; then
    [ "${REMOVE:-}" != yes ] || exit 0
    echo "$(waiting) events wait in the outbox, and would be lost: nobody has heard of them. Start the" \
      "broker and the relay (make up), or drop them: make downgrade MODULE=rabbitmq REMOVE=yes" >&2
    exit 1
  fi
  sleep 1
done
