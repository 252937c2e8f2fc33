# Print what a new project records as its template: the origin of this checkout if that has the commit,
# because another machine has no such folder; otherwise the folder.
set -eu
# Without credentials.
origin=$(git config --get remote.origin.url | sed -E 's|^(https?://)[^/@]*@|\1|' || :)
case $origin in *://* | *@*:*)
  if [ -n "$(git for-each-ref --contains HEAD refs/remotes/origin)" ]; then
    # Copier takes any other URL for a folder.
    case $origin in *.git | git@* | git://* | https://github.com/* | https://gitlab.com/*) ;;
      *) origin=git+$origin ;;
    esac
    printf '%s\n' "$origin"
    exit
  fi ;;
esac
pwd
