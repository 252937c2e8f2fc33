# Run "copier update" rightly, look for conflicts, and say what to do next. Called by make.
set -eu
direction=$1
LEVEL=${LEVEL:-} MODULE=${MODULE:-} TEMPLATE=${TEMPLATE:-} CI_PROVIDER=${CI_PROVIDER:-}
say() { printf '%s\n' "$@" >&2; }

recorded=$(sed -n 's/^maturity_level: *//p' .copier-answers.yml)

if [ -z "$LEVEL$MODULE$TEMPLATE$CI_PROVIDER" ]; then
  say "Say where to: make upgrade LEVEL=2, make upgrade MODULE=name, make upgrade TEMPLATE=latest" \
    "or make downgrade LEVEL=1 or MODULE=name. docs/maturity-levels.md shows what each level has."
  exit 2
fi
case $LEVEL in *[!0-9]*)
  say "LEVEL is a number, such as 2; it is \"$LEVEL\"."
  exit 2 ;;
esac
case $MODULE in *[!a-z_]*)
  say "MODULE is a name such as payments; it is \"$MODULE\"."
  exit 2 ;;
esac
if [ -n "$CI_PROVIDER" ] && [ "${LEVEL:-$recorded}" -lt 4 ]; then
  say "Pipelines come with level 4: make upgrade LEVEL=4 CI_PROVIDER=$CI_PROVIDER"
  exit 2
fi
# A newer template may know modules that this project has never been asked about.
if [ -n "$MODULE" ] && [ -z "$TEMPLATE" ] && ! grep -Eq "^$MODULE: (true|false)$" .copier-answers.yml; then
  say "There is no module \"$MODULE\". docs/maturity-levels.md lists the modules."
  exit 2
fi
if [ "$direction" = down ] && [ -n "$MODULE" ]; then
  if [ -n "$LEVEL" ]; then
    say "One after the other: make downgrade MODULE=$MODULE, then make downgrade LEVEL=$LEVEL."
    exit 2
  fi
  if grep -q "^$MODULE: false$" .copier-answers.yml; then
    say "The project does not have the module \"$MODULE\"."
    exit 2
  fi
elif [ "$direction" = down ]; then
  if [ -z "$LEVEL" ] || [ "$LEVEL" -lt 1 ] || [ "$LEVEL" -ge "$recorded" ]; then
    say "The project is at level $recorded; make downgrade LEVEL=n goes to a lower one, from 1 on."
    exit 2
  fi
fi
if ! git rev-parse --git-dir >/dev/null 2>&1; then
  say "This folder is not a git repository, so your edits could not be kept. Make it one:" \
    "  git init && git add --all && git commit --message 'Before the move'"
  exit 1
fi
if [ -n "$(git status --porcelain)" ]; then
  say "Commit or stash first, so that the move can be seen and taken back:" "$(git status --short)"
  exit 1
fi

set -- update --defaults --context-lines 50
case $TEMPLATE in
  '') set -- "$@" --vcs-ref=:current: ;;
  latest) ;;
  *) set -- "$@" "--vcs-ref=$TEMPLATE" ;;
esac
if [ -n "$LEVEL" ]; then set -- "$@" --data "maturity_level=$LEVEL"; fi
if [ -n "$MODULE" ]; then
  wanted=true
  if [ "$direction" = down ]; then wanted=false; fi
  set -- "$@" --data "$MODULE=$wanted"
fi
if [ -n "$CI_PROVIDER" ]; then set -- "$@" --data "ci_provider=$CI_PROVIDER"; fi
if [ "${REMOVE:-}" = yes ]; then set -- "$@" --data allow_removal=true; fi
if [ "$direction" = down ]; then
  mkdir -p backups
  backup=backups/before-${MODULE:+without-$MODULE}${LEVEL:+level-$LEVEL}-$(date +%Y%m%d-%H%M%S).sql
  if [ -n "$($COMPOSE ps --quiet --status running postgres)" ]; then
    if [ -n "$LEVEL" ] && [ "$($COMPOSE exec -T postgres psql -qAt -U app -d app -c 'SELECT pg_is_in_recovery()')" = t ]; then
      say "Lower levels know only the node \"postgres\", and it does not write at the moment." \
        "Make it the one that does: make promote && make rejoin"
      exit 1
    fi
    (umask 077 && $COMPOSE exec -T postgres pg_dump --username app app > "$backup")
    say "The data are in $backup."
  else
    say "PostgreSQL is not running, so there is no backup; its volume stays as it is."
  fi
  if [ -n "$MODULE" ] && [ -s "$backup" ]; then
    if [ -f "make/before-without-$MODULE.sh" ]; then COMPOSE="$COMPOSE" sh "make/before-without-$MODULE.sh"; fi
    # Whoever still writes into the tables would fail.
    running=$($COMPOSE ps --services --status running | grep -v '^postgres' || :)
    [ -z "$running" ] || $COMPOSE stop $running >/dev/null 2>&1
    say "The services are stopped. \"make up\" starts them without the module."
  fi
  # Tables whose migrations go with the level have to go first: nothing could take them away later.
  for folder in services/data_postgres_api/migrations/versions/*/; do
    since=$(sed -n 's/^level: int = //p' "$folder"*.py | head -n 1)
    module=$(sed -n 's/^module: str = "\(.*\)"$/\1/p' "$folder"*.py | head -n 1)
    [ "${since:-1}" -gt "${LEVEL:-4}" ] || [ "${module:-none}" = "$MODULE" ] || continue
    if [ ! -s "$backup" ]; then
      say "Some tables have to be taken away first. Start the database: make up"
      exit 1
    fi
    say "Taking away the tables of $(basename "$folder")."
    $COMPOSE run --rm --no-deps --build migrate alembic downgrade "$(basename "$folder")@base" >/dev/null
  done
  if [ -n "$LEVEL" ] && [ -f infrastructure/postgres/scripts/alone.sh ] && [ -s "$backup" ]; then
    say "Letting the database work without its second node."
    $COMPOSE rm --stop --force postgres_standby >/dev/null 2>&1
    $COMPOSE exec -T postgres sh /opt/cluster/alone.sh
  fi
  set -- "$@" --data allow_removal=true
fi

if ! said=$("$UV" tool run --quiet --from 'copier>=9.18' copier "$@" --quiet 2>&1); then
  # The last line is the reason; what stands above it is Copier's own trace.
  say "$(printf '%s\n' "$said" | tail -n 1)"
  if [ -z "$(git status --porcelain)" ]; then say "Nothing was changed."; fi
  exit 1
fi

# Bytecode keeps the folders of code that is gone.
for folder in services shared tests; do
  [ ! -d "$folder" ] || find "$folder" -depth -type d -name __pycache__ -exec sh -c \
    'for each; do rm -rf "$each" && rmdir "${each%/*}"; done' sh {} + 2>/dev/null || :
done

conflicts=$(git grep --untracked -lE '^(<<<<<<< before updating|>>>>>>> after updating)' || :)
if [ -n "$conflicts" ]; then
  say "" "These files hold both your edit and the new text, between conflict markers:" "$conflicts" \
    "Keep what is right, remove the markers, then: make verify"
  exit 1
fi
if [ -f uv.lock ] && ! "$UV" lock --quiet; then
  say "The lock could not be refreshed; run \"make setup\" when the reason above is gone."
fi
say "" "Moved, without a conflict. Next:" "  git diff" "  make verify" \
  "  git add --all && git commit --message 'Move the project'"
if [ "${recorded:-4}" -lt 4 ] && [ -f infrastructure/postgres/scripts/cluster.sh ]; then
  say "" "To start it: make up, or make prod. That also makes the database that is there the primary of" \
    "a pair, with an archive and backups; docs/disaster-recovery.md says what to keep elsewhere."
fi
