# Archive a segment: what PostgreSQL calls as its archive_command, in the folder of its files. "pgbackrest
# check" wants its own name in that command.
#
# Each repository is served as if there were no other, because pgBackRest stops at the first error of any:
# a repository that is away would stop the other one too. PostgreSQL repeats a segment until every
# repository has it. Meanwhile those that wait behind it go to the repository that works.
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

# To ask for the newest one archives all before it.
newest=$(find pg_wal/archive_status -name '*.ready' | sed 's|.*/||; s|\.ready$||' | sort | tail -n 1)
for repository in 1 ${second:+2}; do
  case " $failed " in
    *" $repository "*) ;;
    *) push "$repository" "pg_wal/$newest" || : ;;
  esac
done
exit 1
