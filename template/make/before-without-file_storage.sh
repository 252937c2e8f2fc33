# Called by make/move.py before the module goes: what is in the volume of files is kept as a copy.
set -eu
case " $STAYS " in *" file_storage "*) exit 0 ;; esac
$COMPOSE stop business_files files_worker >/dev/null 2>&1
if [ "$(sh make/dotenv.sh FILES_STORE 2>/dev/null || sed -n 's/^FILES_STORE=//p' .env)" = s3 ]; then
  echo "The files stay in their bucket; the copy of the database says which is which." >&2
  exit 0
fi
umask 077
copy=backups/files-$(date +%Y%m%d-%H%M%S).tar
mkdir -p backups
if ! $COMPOSE run --rm --no-deps -T files_worker tar --create --directory=/var/lib/files . > "$copy"; then
  rm -f "$copy"
  echo "The files could not be copied. Nothing was changed." >&2
  exit 1
fi
echo "The files are in $copy; the copy of the database says which is which." >&2
