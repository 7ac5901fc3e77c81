#!/bin/bash
# Serves with the account that the init file of fights-db would make.
set -euo pipefail

exec ferretdb --handler=sqlite --sqlite-url=file:/data/db/ --state-dir=/data/db --listen-addr=:27017 \
  --telemetry=disable --debug-addr=- --log-level=warn --test-enable-new-auth \
  --setup-database=fights --setup-username=superfight --setup-password=superfight
