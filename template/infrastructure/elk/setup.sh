# Prepare Elasticsearch or Kibana, as its argument says. It runs at every start, and twice does what once
# does. Each is waited for by itself, so that lines are collected whatever becomes of Kibana.
set -eu
umask 077
cd "$(dirname "$0")"

# A secret is in the file that NAME_FILE names, or in NAME; as it is written between double quotes.
secret() {
  eval "file=\${$1_FILE:-}"
  if [ -n "$file" ]; then value=$(cat "$file"); else eval "value=\${$1:-}"; fi
  [ -n "$value" ] || { echo "$1 has no value." >&2; exit 1; }
  printf '%s' "$value" | sed 's/[\\"]/\\&/g'
}

elastic=$(secret ELASTIC_PASSWORD)

# In files, because everybody on a machine can read the arguments of a program.
credentials=$(mktemp) body=$(mktemp)
trap 'rm -f "$credentials" "$body"' EXIT
printf 'user = "elastic:%s"\n' "$elastic" > "$credentials"

# Send a request, again while the server is starting, and stop with the server's reason. Before it answers
# at all there may be nothing that listens, no name for it, or a connection that breaks off.
seconds=300
send() {
  method=$1 url=$2
  shift 2
  until answer=$(curl --config "$credentials" --fail-with-body --silent --show-error \
    --retry 300 --retry-delay 1 --retry-max-time 300 --request "$method" "$@" "$url" 2>&1); do
    if [ $? -eq 22 ] || [ "$seconds" -le 0 ]; then
      printf '%s %s: %s\n' "$method" "$url" "$answer" >&2
      exit 1
    fi
    seconds=$((seconds - 1))
    sleep 1
  done
}

if [ "$1" = kibana ]; then
  send GET "$KIBANA_URL/api/status"
  send POST "$KIBANA_URL/api/saved_objects/_import?overwrite=true" --header "kbn-xsrf: true" \
    --form file=@kibana/saved-objects.ndjson
  # What it could not import it tells in an answer that has the status 200.
  case $answer in
    *'"success":false'*) echo "Kibana did not import kibana/saved-objects.ndjson: $answer" >&2; exit 1 ;;
  esac
  echo "Kibana has its dashboard."
  exit
fi

case ${LOG_RETENTION%d} in
  *[!0-9]* | '' | 0*) valid= ;;
  *) valid=yes ;;
esac
case $LOG_RETENTION in *d) ;; *) valid= ;; esac
[ -n "$valid" ] || { echo "LOG_RETENTION in .env: \"$LOG_RETENTION\" is no number of days such as 30d." >&2; exit 1; }

kibana=$(secret KIBANA_PASSWORD)
writer=$(secret LOGSTASH_PASSWORD)

put() {
  cat > "$body"
  send PUT "$ELASTICSEARCH_URL$1" --header "Content-Type: application/json" --data-binary "@$body"
}

sed "s/LOG_RETENTION/$LOG_RETENTION/" elasticsearch/lifecycle.json | put /_ilm/policy/log-lines
put /_component_template/log-lines < elasticsearch/every-line.json
put /_index_template/log-lines-services < elasticsearch/services.json
put /_index_template/log-lines-text < elasticsearch/text.json
put /_security/role/log_writer < elasticsearch/writer-role.json
printf '{"password": "%s", "roles": ["log_writer"]}' "$writer" | put /_security/user/log_writer
printf '{"password": "%s"}' "$kibana" | put /_security/user/kibana_system/_password
echo "Elasticsearch is set up; lines are kept for $LOG_RETENTION."
