# Refuse an invalid version. A tag or the field of a form may hold code that a shell or make would
# run, so pipelines call this before make.
version=${1#v}
case $version in '' | *[!0-9A-Za-z.-]*) ;; *)
  if printf '%s' "$version" | grep -Eq '^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$'; then exit 0; fi ;;
esac
printf '%s\n' "Say which version, such as VERSION=1.2.3 or 1.2.3-rc.1; it is \"$1\"." >&2
exit 2
