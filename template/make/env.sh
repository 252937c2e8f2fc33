# Add to .env what .env.example has and .env lacks; a line that is there is never changed.
# The value "generate" becomes a secret of 48 hexadecimal digits.
# Two folders whose projects have one name would share containers, volumes and passwords.
set -eu
umask 077
name=${COMPOSE_PROJECT_NAME:-$(sed -n 's/^COMPOSE_PROJECT_NAME=//p' .env 2>/dev/null | tail -n 1)}
name=${name:-$(sed -n 's/^name: *//p' docker-compose.yml)}
refuse() {
  printf '%s\n' "$1" "Give this one a name of its own, and ports that are free: in .env, set" \
    "COMPOSE_PROJECT_NAME=$name-2 and the variables that end in _PORT." >&2
  exit 1
}
if command -v docker >/dev/null && docker info >/dev/null 2>&1; then
  other=$(docker ps --all --filter "label=com.docker.compose.project=$name" \
    --format '{{.Label "com.docker.compose.project.working_dir"}}' | grep -vFx "$(pwd)" |
    grep -vFx "$(pwd -P)" | head -n 1 || :)
  if [ -n "$other" ] && [ -d "$other" ]; then
    refuse "The folder $other has a project named \"$name\" on this machine, with containers."
  fi
  if ! grep -q '^POSTGRES_PASSWORD=' .env 2>/dev/null &&
    docker volume inspect "${name}_postgres_data" >/dev/null 2>&1; then
    refuse "This machine has a database of a project named \"$name\", and no .env here knows its password. \
If nobody needs it: docker volume rm ${name}_postgres_data"
  fi
fi
[ -f .env ] || : > .env
[ -z "$(tail -c 1 .env)" ] || echo >> .env
while IFS= read -r line || [ -n "$line" ]; do
  case $line in '' | '#'* | *=generate-keys) continue ;; esac
  key=${line%%=*}
  value=${line#*=}
  if grep -Eq "^[[:space:]]*(export[[:space:]]+)?$key[[:space:]]*=" .env; then continue; fi
  if [ "$value" = generate ]; then value=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n'); fi
  printf '%s=%s\n' "$key" "$value" >> .env
  echo ".env: added $key"
done < .env.example
# Docker may keep the logs of containers elsewhere, and what collects them mounts that folder.
if grep -q '^# DOCKER_LOGS=' .env.example && ! grep -q '^DOCKER_LOGS=' .env; then
  root=$(docker info --format '{{.DockerRootDir}}' 2>/dev/null || :)
  case $root in '' | /var/lib/docker) ;; *)
    printf 'DOCKER_LOGS=%s/containers\n' "$root" >> .env
    echo ".env: added DOCKER_LOGS" ;;
  esac
fi
# Containers run as other users, and images and mounts keep the modes that a strict umask gave.
if [ -n "$(find services shared infrastructure ! -perm -004 ! -path '*/.*' | head -n 1)" ]; then
  chmod -R o+rX services shared infrastructure || echo "Their owner has to do that." >&2
  echo "Made services, shared and infrastructure readable for the users of containers."
fi
