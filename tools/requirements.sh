#!/usr/bin/env bash
# Compile requirements/*.txt from *.in: every version with its hashes, for all platforms, and no host's name in them.
set -euo pipefail
uv=${1:?uv is needed to compile the requirements: pip install uv}
uv=$(command -v "$uv")
uv=$(cd "$(dirname "$uv")" && pwd)/$(basename "$uv")
cd "$(dirname "$0")/../requirements"

compile() { # name, then constraints
  local name=$1
  shift
  "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
    --no-emit-index-url --no-header --annotation-style line "$@" "$name.in" -o "$name.txt"
}
compile base
compile dev -c base.txt
compile bench -c dev.txt
compile bench-redis
if grep -n '://' -- *.txt; then
  echo 'a requirements file names a host' >&2
  exit 1
fi
