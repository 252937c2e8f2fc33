# Refuse settings that the gateway would not take, or would take and not work with, before anything
# is stopped.
set -euf
fail() { echo "$1 in .env: $2" >&2; exit 1; }

for key in RATE_LIMIT RATE_BURST WRITE_RATE_LIMIT WRITE_RATE_BURST CLIENT_CONNECTIONS; do
  value=$(sh make/dotenv.sh "$key")
  case ${value:-1} in
    0* | *[!0-9]*) fail "$key" "\"$value\" is no whole number above 0." ;;
  esac
done
hosts=$(sh make/dotenv.sh GATEWAY_HOSTS)
for host in $hosts; do
  printf '%s\n' "$host" | grep -Eq '^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$' ||
    fail GATEWAY_HOSTS "\"$host\" is no name or IPv4 address. Write them with spaces between, without ports."
done
origins=$(sh make/dotenv.sh CORS_ORIGINS)
for origin in $(printf '%s' "$origins" | tr , ' '); do
  printf '%s\n' "$origin" | grep -Eq '^https?://[a-z0-9.-]+(:[0-9]+)?$' ||
    fail CORS_ORIGINS "\"$origin\" is no origin. Write it as browsers do: https://app.example, in small letters, without a path."
  case $origin in
    https://*:443 | http://*:80) fail CORS_ORIGINS "browsers leave out the port of \"$origin\"." ;;
  esac
done
