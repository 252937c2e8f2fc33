# Look through the images of a version with Trivy, or list what is in them (CycloneDX). Trivy gets an image
# as a file, so that it needs no way to Docker itself.
set -eu
mkdir -p reports
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
trivy() { docker run --rm --volume "$folder:/images:ro" --volume trivy_cache:/root/.cache/trivy "$TRIVY" "$@"; }

found=0
for image in $(IMAGE_TAG=$VERSION $COMPOSE config --images | grep ":$VERSION\$" | sort -u); do
  name=$(basename "${image%:*}")
  docker image inspect "$image" >/dev/null 2>&1 || { echo "There is no $image: make images VERSION=$VERSION" >&2; exit 1; }
  docker save --output "$folder/$name.tar" "$image"
  if [ "$1" = sbom ]; then
    trivy image --quiet --format cyclonedx --input "/images/$name.tar" > "reports/sbom-$name.cdx.json"
    echo "reports/sbom-$name.cdx.json: written"
  else
    # What nobody has mended yet cannot be mended here either.
    trivy image --no-progress --scanners "$SCANNERS" --severity HIGH,CRITICAL --ignore-unfixed \
      --exit-code 1 --input "/images/$name.tar" || found=1
  fi
  rm "$folder/$name.tar"
done
[ "$found" = 0 ] || { echo "Trivy found something above, or could not look: nothing is to be shipped." >&2; exit 1; }
