#!/bin/bash
# Runs k6 with the given arguments. Without arguments, it keeps the container running for `docker compose exec k6 …`.
set -euo pipefail

if [ $# -gt 0 ]; then
  exec k6 "$@"
fi
trap 'exit 0' TERM INT
sleep infinity &
wait
