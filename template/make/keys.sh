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
if ! has SERVICE_PRIVATE_KEY; then
  key=$(sh make/new-key.sh)
  public=$(printf '%s' "$key" | openssl base64 -d -A | openssl pkey -inform DER -pubout -outform DER | openssl base64 -A)
  add SERVICE_PRIVATE_KEY "$key"
  add SERVICE_PUBLIC_KEYS "business_api:$public"
fi
