# Give the commit that is checked out a version, as an annotated tag; pushing it begins the deployment.
set -eu
say() { printf '%s\n' "$@" >&2; }
version=${VERSION#v}
newest=$(git tag --list 'v[0-9]*' --sort=-version:refname | head -n 1)

if ! printf '%s\n' "$version" | grep -Eq '^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?$'; then
  say "Say which version: make release VERSION=1.2.3. The first number changes when clients break, the" \
    "second when they gain something, the third otherwise. The newest so far: ${newest:-none}"
  exit 2
fi
if [ -n "$(git status --porcelain)" ]; then
  say "Commit first: a version is a commit." "$(git status --short)"
  exit 1
fi
branch=$(git symbolic-ref --quiet --short HEAD || :)
main=$(git rev-parse --abbrev-ref origin/HEAD 2>/dev/null | sed 's|^origin/||') || :
case $main in '' | HEAD) main=main ;; esac
if [ "$branch" != "$main" ] && [ "${ANY_BRANCH:-}" != yes ]; then
  say "Versions are made of $main, and this is ${branch:-no branch}. For a mend of an old version: ANY_BRANCH=yes"
  exit 1
fi
if git rev-parse --quiet --verify "refs/tags/v$version" >/dev/null; then
  say "v$version is there already, and a version never changes. The newest: $newest"
  exit 1
fi
if [ -n "$newest" ] && [ "$branch" = "$main" ] &&
  [ "$(printf '%s\n%s\n' "$newest" "v$version" | sort -V | tail -n 1)" != "v$version" ]; then
  say "v$version is lower than $newest."
  exit 1
fi
git tag --annotate "v$version" --message "Version $version"
say "v$version is made. To deploy it:" "  git push origin v$version"
