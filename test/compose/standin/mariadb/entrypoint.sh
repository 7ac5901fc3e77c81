#!/bin/bash
# Makes the database on the first start, runs the init files on a server that no one else can reach, then serves.
set -euo pipefail

install -d -o mysql -g mysql /var/lib/mysql /run/mysqld
if [ ! -d /var/lib/mysql/mysql ]; then
  mariadb-install-db --user=mysql --skip-test-db >/dev/null
  mariadbd --user=mysql --skip-networking &
  until mariadb-admin --silent ping; do sleep 0.2; done
  mariadb <<SQL
CREATE DATABASE $MARIADB_DATABASE;
CREATE USER $MARIADB_USER@'%' IDENTIFIED BY '$MARIADB_PASSWORD';
GRANT ALL ON $MARIADB_DATABASE.* TO $MARIADB_USER@'%';
SQL
  for file in /docker-entrypoint-initdb.d/*.sql; do
    mariadb "$MARIADB_DATABASE" <"$file"
  done
  mariadb-admin shutdown
  wait
fi
exec mariadbd --user=mysql --bind-address=0.0.0.0
