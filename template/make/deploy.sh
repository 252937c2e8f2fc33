# Roll a version out on a host, or take it back to one, over ssh; called by "make deploy" and "make
# deploy-back" with the target that runs there. The checkout on the host is at DEPLOY_PATH.
# Whoever deploys needs a key that the host lets in, and knows the host's own.
set -eu
say() { printf '%s\n' "$@" >&2; }
target=$1 TO=${TO:-${DEPLOY_TO:-}} path=${DEPLOY_PATH:-}
case $TO in '' | -* | *[!A-Za-z0-9_.@-]*)
  say "Say where to: make deploy TO=deploy@app.example VERSION=$VERSION"
  exit 2 ;;
esac
sh make/version.sh "$VERSION"
case $path in '' | *[!A-Za-z0-9_./~-]*)
  say "DEPLOY_PATH is the folder of the project on $TO, such as /srv/app; it is \"$path\"."
  exit 2 ;;
esac

set -- -o BatchMode=yes -o ConnectTimeout=10
[ -z "${DEPLOY_PORT:-}" ] || set -- "$@" -p "$DEPLOY_PORT"
if [ -n "${DEPLOY_KEY:-}" ]; then
  umask 077
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  printf '%s\n' "$DEPLOY_KEY" > "$folder/key"
  printf '%s\n' "${DEPLOY_KNOWN_HOSTS:?the line of ssh-keyscan for the host}" > "$folder/hosts"
  set -- "$@" -i "$folder/key" -o IdentitiesOnly=yes -o "UserKnownHostsFile=$folder/hosts"
fi

say "$target of $VERSION on $TO."
# The files of a version belong to it as its images do, so that the checkout stays or goes with them.
ssh "$@" "$TO" sh -s -- "$path" "$VERSION" "$target" <<'REMOTE'
set -eu
cd "$1"
case $2 in '' | *[!0-9A-Za-z.-]*)
  echo "\"$2\" is not a version." >&2
  exit 2 ;;
esac
if [ -n "$(git status --porcelain --untracked-files=no)" ]; then
  echo "Somebody has changed files on the host; commit them elsewhere first:" >&2
  git status --short >&2
  exit 1
fi
before=$(git symbolic-ref --quiet --short HEAD || git rev-parse HEAD)
git fetch --quiet --tags origin
git rev-parse --quiet --verify "refs/tags/v$2" >/dev/null || {
  echo "There is no version v$2 in $(git remote get-url origin): make release VERSION=$2 gives it." >&2
  exit 1
}
git checkout --quiet "v$2" --
ROLLED_OUT=$(mktemp)
export ROLLED_OUT
trap 'rm -f "$ROLLED_OUT"' EXIT
# Without the input that this script comes by, or what make starts would read the rest of it.
make --no-print-directory "$3" "VERSION=$2" < /dev/null && exit
code=$?
if [ -s "$ROLLED_OUT" ]; then
  echo "The checkout stays at v$2, which serves. Mend what does not start, or take it back." >&2
else
  git checkout --quiet "$before" --
  echo "The checkout is at $before again." >&2
fi
exit "$code"
REMOTE
say "$VERSION serves on $TO."
