# The gateway does not wait until the services are healthy: it says itself that they are not. But nginx
# does not start while their name cannot be looked up, which is so until they start.
set -eu
left=3000
case " $* " in *" -t "*) left=0 ;; esac
until getent ahostsv4 business_api >/dev/null || [ "$left" -eq 0 ]; do
  left=$((left - 1))
  sleep 0.2
done
exec /docker-entrypoint.sh "$@"
