# The gateway does not wait until the services are healthy: it says itself that they are not. But nginx
# does not start without the address of a single one, which is so until they start.
set -eu
left=3000
case " $* " in *" -t "* | *" -s "*) left=0 ;; esac
until sh /etc/nginx/scripts/replicas.sh || [ "$left" -eq 0 ]; do
  left=$((left - 1))
  sleep 0.2
done
cp /tmp/replicas /tmp/replicas.read 2>/dev/null || :
# What the image's own entrypoint does, but to /tmp, where this user may write on a Swarm too.
mkdir -p /tmp/conf.d
names=$(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/${\1}/p')
for template in /etc/nginx/templates/*.template; do
  envsubst "$names" < "$template" > "/tmp/conf.d/$(basename "$template" .template)"
done
exec "$@"
