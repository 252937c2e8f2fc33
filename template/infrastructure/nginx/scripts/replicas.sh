# Write the replicas of the business service for nginx, as its upstream includes them: nginx itself would
# look up their name only when it starts. A roll-out names the only ones that are to be asked in /tmp/only.
# Fails when there is none.
set -eu
found=$(getent ahostsv4 business_api | cut -d " " -f 1 | sort -u)
if [ -f /tmp/only ] && some=$(printf "%s\n" "$found" | grep -Fxf /tmp/only); then found=$some; fi
[ -n "$found" ]
new=$(mktemp)
printf "server %s:8000 max_fails=3 fail_timeout=2s;\n" $found > "$new"
mv "$new" /tmp/replicas
