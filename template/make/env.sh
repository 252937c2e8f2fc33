# Add to .env what .env.example has and .env lacks; a line that is there is never changed.
# The value "generate" becomes a secret of 48 hexadecimal digits.
set -eu
umask 077
[ -f .env ] || : > .env
[ -z "$(tail -c 1 .env)" ] || echo >> .env
while IFS= read -r line || [ -n "$line" ]; do
  case $line in '' | '#'* | *=generate-keys) continue ;; esac
  key=${line%%=*}
  value=${line#*=}
  if grep -Eq "^[[:space:]]*(export[[:space:]]+)?$key[[:space:]]*=" .env; then continue; fi
  if [ "$value" = generate ]; then value=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n'); fi
  printf '%s=%s\n' "$key" "$value" >> .env
  echo ".env: added $key"
done < .env.example
