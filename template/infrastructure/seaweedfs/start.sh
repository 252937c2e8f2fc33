# Start SeaweedFS with one account, and make the bucket. Called by the container.
set -eu
: "${FILES_S3_ACCESS_KEY:?Set FILES_S3_ACCESS_KEY and FILES_S3_SECRET_KEY in .env.}"
: "${FILES_S3_SECRET_KEY:?Set FILES_S3_ACCESS_KEY and FILES_S3_SECRET_KEY in .env.}"
# With which it encrypts what asks for that; it follows from the secret, so that it is always the same.
WEED_S3_SSE_KEK=$(printf 'encryption %s' "$FILES_S3_SECRET_KEY" | sha256sum | cut -c 1-64)
export WEED_S3_SSE_KEK
umask 077
cat > /tmp/s3.json <<EOF
{"identities": [{
  "name": "files",
  "credentials": [{"accessKey": "$FILES_S3_ACCESS_KEY", "secretKey": "$FILES_S3_SECRET_KEY"}],
  "actions": ["Admin", "Read", "Write", "List", "Tagging"]
}]}
EOF
(
  until echo "s3.bucket.create -name $FILES_S3_BUCKET" | weed shell 2>/dev/null | grep -q .; do
    sleep 1
  done
) &
exec weed server -dir=/data -volume.max=0 -master.volumeSizeLimitMB=1024 -ip=127.0.0.1 -ip.bind=0.0.0.0 \
  -s3 -s3.config=/tmp/s3.json
