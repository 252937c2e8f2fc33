# Start a project from this checkout: called by "make new" with DEST, LEVEL, RUN and UV.
# The other answers come from NAME, DESCRIPTION, AUTHOR, PYTHON, CI_PROVIDER, MODULES and EXAMPLE, or keep
# their defaults.
set -eu
say() { printf '%s\n' "$@" >&2; }

if [ -z "${DEST:-}" ]; then
  say "Say where the project goes: make new DEST=../shop LEVEL=2"
  exit 2
fi
case $LEVEL in '' | *[!0-9]*)
  say "LEVEL is a number, such as 2; it is \"$LEVEL\"."
  exit 2 ;;
esac
case $(dirname -- "$DEST") in
  /*) parent=$(dirname -- "$DEST") ;;
  *) parent=$(pwd)/$(dirname -- "$DEST") ;;
esac
if [ ! -d "$parent" ]; then
  say "There is no folder $parent to put the project into."
  exit 1
fi
case $(cd "$parent" && pwd -P)/ in "$(pwd -P)"/*)
  if [ ! -d "$DEST" ] || [ -z "$(ls -A "$DEST")" ]; then
    say "$DEST is inside this checkout, which would be dirty from then on. Choose a folder beside it."
    exit 1
  fi ;;
esac
# A project remembers the commit that it came from; of uncommitted changes nobody could update it.
if [ -n "$(git status --porcelain)" ]; then
  say "This checkout has uncommitted changes, and a project made from them could never be updated." \
    "Commit or stash them first:" "$(git status --short)"
  exit 1
fi
if [ -e "$DEST" ] && [ -n "$(ls -A "$DEST")" ]; then
  say "$DEST exists and is not empty. Choose another folder, or empty this one."
  exit 1
fi

if [ -n "${CI_PROVIDER:-}" ] && [ "$LEVEL" -lt 4 ]; then
  say "Pipelines come with level 4, so CI_PROVIDER says nothing at level $LEVEL."
  exit 2
fi

case ${EXAMPLE:-yes} in yes | no) ;; *)
  say "EXAMPLE is yes or no; it is \"$EXAMPLE\"."
  exit 2 ;;
esac

set -- --data "maturity_level=$LEVEL"
if [ "${EXAMPLE:-yes}" = no ]; then set -- "$@" --data "example=false"; fi
if [ -n "${NAME:-}" ]; then set -- "$@" --data "project_name=$NAME"; fi
if [ -n "${DESCRIPTION:-}" ]; then set -- "$@" --data "description=$DESCRIPTION"; fi
if [ -n "${AUTHOR:-}" ]; then set -- "$@" --data "author=$AUTHOR"; fi
if [ -n "${CI_PROVIDER:-}" ]; then set -- "$@" --data "ci_provider=$CI_PROVIDER"; fi
for module in $(printf '%s' "${MODULES:-}" | tr ',' ' '); do
  # Copier takes an answer to a question that it does not have, and says nothing.
  if [ ! -f "modules/$module/question.yml" ]; then
    say "There is no module \"$module\". README.md lists those that there are."
    exit 2
  fi
  set -- "$@" --data "$module=true"
done

# The newest Python that is here, or that uv may download; the next commands need it.
if [ -z "${PYTHON:-}" ]; then
  offered=$(sed -n '/^python_version:/,/^  choices:/p' copier.yml | grep '^  choices:')
  newest=
  for PYTHON in $(printf '%s\n' "$offered" | grep -oE '3[.][0-9]+' | sort -rV); do
    newest=${newest:-$PYTHON}
    if "$UV" python find --no-project "$PYTHON" >/dev/null 2>&1; then break; fi
    if [ "$PYTHON" = "$newest" ]; then
      say "There is no Python $PYTHON on this machine; trying to download it."
      if UV_HTTP_RETRIES=1 "$UV" python install --quiet "$PYTHON" >/dev/null 2>&1; then break; fi
    fi
  done
  if [ "$PYTHON" != "$newest" ]; then
    say "That failed, so the project takes Python $PYTHON. To change it later: make upgrade PYTHON=$newest"
  fi
fi
set -- "$@" --data "python_version=$PYTHON"

if ! said=$($RUN copier copy --quiet --defaults --vcs-ref=HEAD "$@" "$(pwd)" "$DEST" 2>&1); then
  # The last line is the reason; what stands above it is Copier's own trace.
  say "$(printf '%s\n' "$said" | tail -n 1)" "Nothing was made."
  exit 1
fi
template=$(sh scripts/template-source.sh)
cd "$DEST"
# Copier makes the folders of files that it leaves out.
find . -type d -empty -delete
if [ "$template" != "$OLDPWD" ]; then
  escaped=$(printf '%s' "$template" | sed 's/[&|\\]/\\&/g')
  recorded=$(sed "s|^_src_path: .*|_src_path: $escaped|" .copier-answers.yml)
  printf '%s\n' "$recorded" > .copier-answers.yml
fi
git init --quiet
git add --all
if ! git config user.email >/dev/null; then
  git config user.name "Stagecraft"
  git config user.email "stagecraft@localhost"
  say "git does not know you, so the first commit is Stagecraft's; set user.name and user.email."
fi
git commit --quiet --message "Start from Stagecraft, at level $LEVEL"
say "" "$DEST is ready, at level $LEVEL, with its first commit."
if [ "$template" = "$OLDPWD" ]; then
  say "It remembers this checkout as its template. On another machine, add SOURCE=folder-or-URL to the" \
    "first make upgrade."
else
  say "It remembers $template as its template, which has this commit."
fi
say "" "Next:" "" "  cd \"$DEST\"" "  make up"
# Its load is measured from here on, and what it is compared with has to be made once.
if [ "$LEVEL" -ge 3 ] && [ -f journey.py ]; then say "  make baseline"; fi
say "  make verify"
