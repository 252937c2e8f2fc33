# A self-signed certificate for the hosts of GATEWAY_HOSTS, where there is none that is still good.
# One that somebody else has signed is never replaced.
set -eu
hosts=$(sh make/dotenv.sh GATEWAY_HOSTS)
names='' separator=''
for host in ${hosts:-localhost 127.0.0.1}; do
  case $host in
    *[!0-9.]*) names=$names${separator}DNS:$host ;;
    *) names=$names${separator}IP:$host ;;
  esac
  separator=,
done
command -v openssl >/dev/null || { echo "Install openssl, then try again." >&2; exit 1; }

if [ -s certs/fullchain.pem ] && [ -s certs/privkey.pem ]; then
  issuer=$(openssl x509 -in certs/fullchain.pem -noout -issuer)
  subject=$(openssl x509 -in certs/fullchain.pem -noout -subject)
  if [ "${issuer#issuer}" != "${subject#subject}" ]; then exit 0; fi
  if openssl x509 -in certs/fullchain.pem -noout -checkend 2592000 >/dev/null &&
    [ "$names" = "$(cat certs/names 2>/dev/null)" ]; then exit 0; fi
fi

# The folder keeps others out; the files are readable, because containers are other users.
mkdir -p certs
chmod 700 certs
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 \
  -subj "/CN=self-signed" -addext "subjectAltName=$names" \
  -keyout "$new/privkey.pem" -out "$new/fullchain.pem" 2>"$new/log" || { cat "$new/log" >&2; exit 1; }
# Written in place: a container sees the file, not its name.
cat "$new/fullchain.pem" > certs/fullchain.pem
cat "$new/privkey.pem" > certs/privkey.pem
printf '%s' "$names" > certs/names
chmod 644 certs/fullchain.pem certs/privkey.pem
echo "certs/: made a self-signed certificate for $names"
