# Add to .env the keys with which services sign, where they are missing; a line that is there is
# never changed. Each is a P-256 key, DER in base64, in one line.
set -eu
umask 077
command -v openssl >/dev/null || { echo "Install openssl, then try again." >&2; exit 1; }
[ -f .env ] || : > .env
[ -z "$(tail -c 1 .env)" ] || echo >> .env
has() { grep -Eq "^[[:space:]]*(export[[:space:]]+)?$1[[:space:]]*=[[:space:]]*[^[:space:]]" .env; }
add() { printf '%s=%s\n' "$1" "$2" >> .env; echo ".env: added $1"; }

# The second key is published and not used yet: the next rotation lets it sign.
has ISSUER_SIGNING_KEYS || add ISSUER_SIGNING_KEYS "\"$(sh make/new-key.sh) $(sh make/new-key.sh)\""
for caller in $(sed -n 's/^\([A-Z]*\)_PRIVATE_KEY=generate-keys$/\1/p' .env.example); do
  if has "${caller}_PRIVATE_KEY"; then continue; fi
  name=business_$(echo "$caller" | tr '[:upper:]' '[:lower:]')
  [ "$caller" != SERVICE ] || name=business_api
  key=$(sh make/new-key.sh)
  public=$(printf '%s' "$key" | openssl base64 -d -A | openssl pkey -inform DER -pubout -outform DER | openssl base64 -A)
  add "${caller}_PRIVATE_KEY" "$key"
  add "${caller}_PUBLIC_KEYS" "$name:$public"
done
