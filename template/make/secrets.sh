# The secrets of .env as files, one a secret, for production. The folder keeps others out; the files
# are readable, because the users of the containers are none of this machine's.
set -eu
mkdir -p secrets
chmod 700 secrets
for key in POSTGRES_PASSWORD GRAFANA_PASSWORD; do
  value=$(sh make/dotenv.sh "$key")
  [ -n "$value" ] || { echo "$key has no value in .env." >&2; exit 1; }
  file=secrets/$(printf '%s' "$key" | tr '[:upper:]' '[:lower:]')
  if [ -f "$file" ] && [ "$(cat "$file")" = "$value" ]; then continue; fi
  printf '%s' "$value" > "$file"
  chmod 644 "$file"
  echo "$file: written"
done
