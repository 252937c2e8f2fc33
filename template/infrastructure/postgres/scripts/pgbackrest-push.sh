# Archive a WAL segment: the archive_command of PostgreSQL. It needs "pgbackrest" in its name, because
# "pgbackrest check" looks for that in the archive_command.
#
# Push to each repository separately. With both in one configuration, pgBackRest 2.59 and later stop at the
# first error, so a repository that fails would stop the other one too. PostgreSQL retries a segment until
# both repositories have it. In the meantime, the working repository receives the segments queued behind it.
set -eu
segment=$1
second=$(env | sed -n 's/^PGBACKREST_REPO2_\([A-Z0-9_]*\)=.*/\1/p')

push() ( # REPOSITORY SEGMENT
  for name in $second; do
    if [ "$1" = 2 ]; then eval "export PGBACKREST_REPO1_$name=\"\$PGBACKREST_REPO2_$name\""; fi
    unset "PGBACKREST_REPO2_$name"
  done
  exec pgbackrest --stanza=main --lock-path="/tmp/pgbackrest-$1" --spool-path="/tmp/spool-$1" archive-push "$2"
)

failed=
push 1 "$segment" &
first=$!
if [ -n "$second" ]; then push 2 "$segment" || failed=2; fi
wait "$first" || failed="1 $failed"
[ -n "$failed" ] || exit 0

# An asynchronous push of the newest segment also pushes all that are queued before it.
newest=$(find pg_wal/archive_status -name '*.ready' | sed 's|.*/||; s|\.ready$||' | sort | tail -n 1)
for repository in 1 ${second:+2}; do
  case " $failed " in
    *" $repository "*) ;;
    *) push "$repository" "pg_wal/$newest" || : ;;
  esac
done
exit 1
