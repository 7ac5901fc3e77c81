#!/bin/bash
# Takes the flags of the vendor's script: a login over TCP and a read of InnoDB's own tables.
exec mariadb --protocol=tcp --host=127.0.0.1 --user="$MARIADB_USER" --password="$MARIADB_PASSWORD" \
  --execute="SELECT count(*) FROM information_schema.tables WHERE engine = 'InnoDB'" "$MARIADB_DATABASE"
