# Let the second signing key sign, which all have known for a while, and add a third for the next
# time. The first goes on to verify the tokens that it has signed; the one before it is forgotten.
set -eu
umask 077
keys=$(sh make/dotenv.sh ISSUER_SIGNING_KEYS)
set -- $keys
current=$1
next=${2:?"ISSUER_SIGNING_KEYS has no second key: add one that make keys would make, and start the services."}
new=$(sh make/new-key.sh)
# Within backups/, which no repository takes.
mkdir -p backups
file=backups/new-env.$$
trap 'rm -f "$file"' EXIT
sed '/^[[:space:]]*\(export[[:space:]]\{1,\}\)\{0,1\}ISSUER_SIGNING_KEYS[[:space:]]*=/d' .env > "$file"
[ -z "$(tail -c 1 "$file")" ] || echo >> "$file"
printf 'ISSUER_SIGNING_KEYS="%s %s %s"\n' "$next" "$new" "$current" >> "$file"
cp .env backups/env-before-rotation
cat "$file" > .env
echo "The next key signs from the next start on: make up, or make prod."
echo "What was before is in backups/env-before-rotation; delete it when the new key has signed."
