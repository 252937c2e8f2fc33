# Put Alertmanager's configuration together and start it, or with "check" only look at it. A secret is
# a file in production and a variable in development. What needs one that has no value is left out.
set -eu
umask 077
mkdir -p /tmp/secrets
named=$(sed -n 's,^.*_file: /tmp/secrets/,,p' /etc/alertmanager/alertmanager.yml | sort -u)
for name in $named; do
  variable=$(printf '%s' "$name" | tr '[:lower:]' '[:upper:]')
  value=$(cat "/run/secrets/$name" 2>/dev/null) || eval "value=\${$variable:-}"
  rm -f "/tmp/secrets/$name"
  [ -z "$value" ] || printf '%s' "$value" > "/tmp/secrets/$name"
done

# An item ends where a line is indented no deeper than its own first line.
awk '
  { match($0, /^ */); depth = RLENGTH }
  left_out && NF && depth > item { next }
  { left_out = 0 }
  /^ *- .*_file: \/tmp\/secrets\// {
    item = depth
    left_out = (getline value < $NF) < 1
  }
  !left_out
' /etc/alertmanager/alertmanager.yml > /tmp/alertmanager.yml

nobody=$(awk '
  /^[a-z]/ { receivers = /^receivers:/ }
  receivers && /^  - name: / { if (name != "" && !told) print name; name = $3; told = 0 }
  receivers && /^      - / { told = 1 }
  END { if (name != "" && !told) print name }
' /tmp/alertmanager.yml | tr '\n' ' ')
[ -z "$nobody" ] || echo "Nobody is told of alerts that go to: ${nobody% } (see docs/alerts.md)." >&2

if [ "${1:-}" = check ]; then
  exec amtool check-config /tmp/alertmanager.yml
fi
exec alertmanager --config.file=/tmp/alertmanager.yml "$@"
