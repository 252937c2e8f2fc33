# Delete the queues of a service that goes: nobody would read them, and they would grow until the broker
# takes nothing. Called by make/before-without-NAME.sh with the service and the module.
set -eu
service=$1 module=$2
# Without RabbitMQ all of its queues go.
case " $STAYS " in *" rabbitmq "*) ;; *) exit 0 ;; esac
$COMPOSE stop "$service" >/dev/null 2>&1
if [ -z "$($COMPOSE ps --quiet --status running rabbitmq)" ]; then
  [ "${REMOVE:-}" != yes ] || exit 0
  echo "RabbitMQ does not run, so the queues of $service would stay, and fill. Start it (make up), or" \
    "leave them: make downgrade MODULE=$module REMOVE=yes" >&2
  exit 1
fi
# By itself, so that a broker which does not answer ends this.
listed=$($COMPOSE exec -T --user rabbitmq rabbitmq rabbitmqctl --quiet list_queues name messages)
queues=$(printf '%s\n' "$listed" | tr -d '\r' | grep "^$service\." || :)
[ -n "$queues" ] || exit 0
echo "These queues of $service go, with the messages in them:" >&2
printf '%s\n' "$queues" >&2
printf '%s\n' "$queues" | cut -f 1 | while IFS= read -r name; do
  $COMPOSE exec -T --user rabbitmq rabbitmq rabbitmqctl --quiet delete_queue "$name" </dev/null >/dev/null
done
