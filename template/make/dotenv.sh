# Print a setting as Compose reads it: the shell's own, or the line of .env without "export", quotes,
# comment and the line end of DOS.
set -eu
if value=$(printenv "$1"); then
  printf '%s\n' "$value"
  exit
fi
value=$(sed -n "s/^[[:space:]]*\(export[[:space:]]\{1,\}\)\{0,1\}$1[[:space:]]*=[[:space:]]*//p" .env |
  tail -n 1 | tr -d '\r')
case $value in
  \'*\'*) value=${value#\'}; printf '%s\n' "${value%%\'*}"; exit ;;
  \"*\"*) value=${value#\"}; value=${value%\"*} ;;
  *) value=$(printf '%s\n' "$value" | sed 's/[[:space:]]\{1,\}#.*//; s/[[:space:]]*$//') ;;
esac
case $value in
  *[\$\\]*) echo "$1 in .env: write a value with \$ or \\ in single quotes." >&2; exit 1 ;;
esac
printf '%s\n' "$value"
