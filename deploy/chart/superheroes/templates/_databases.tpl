{{/* The containers of the databases. The helpers take secret, the name of the Secret with the passwords; user; and database.
     While a database is being initialized, it accepts no connections from other pods, so its probes fail. The startup
     probe allows five minutes for this. */}}
{{- define "superheroes.postgres" -}}
env:
  - {name: POSTGRES_USER, value: {{ .user }}}
  - {name: POSTGRES_DB, value: {{ .database }}}
  - {name: POSTGRES_PASSWORD, valueFrom: {secretKeyRef: {name: {{ .secret }}, key: password}}}
  - {name: PGDATA, value: /var/lib/postgresql/data/pgdata} # initdb needs an empty folder; a volume may contain lost+found
{{ include "superheroes.databaseProbes" (printf "exec: {command: [pg_isready, -h, 127.0.0.1, -U, %s, -d, %s]}" .user .database) }}
volumeMounts:
  - {name: data, mountPath: /var/lib/postgresql/data}
  - {name: scratch, mountPath: /var/run/postgresql, subPath: run}
  - {name: scratch, mountPath: /tmp, subPath: tmp}
{{- end }}

{{- define "superheroes.mariadb" -}}
env:
  - {name: MARIADB_USER, value: {{ .user }}}
  - {name: MARIADB_DATABASE, value: {{ .database }}}
  - {name: MARIADB_PASSWORD, valueFrom: {secretKeyRef: {name: {{ .secret }}, key: password}}}
  - {name: MARIADB_ROOT_PASSWORD, valueFrom: {secretKeyRef: {name: {{ .secret }}, key: root-password}}}
{{ include "superheroes.databaseProbes" "exec: {command: [healthcheck.sh, --connect, --innodb_initialized]}" }}
volumeMounts:
  - {name: data, mountPath: /var/lib/mysql, subPath: mysql} # the server takes every folder, such as lost+found, for a database
  - {name: scratch, mountPath: /run/mysqld, subPath: run}
  - {name: scratch, mountPath: /tmp, subPath: tmp}
{{- end }}

{{- define "superheroes.mongo" -}}
env:
  - {name: MONGO_INITDB_DATABASE, value: {{ .database }}}
  - {name: MONGO_INITDB_ROOT_USERNAME, value: superadmin}
  - {name: MONGO_INITDB_ROOT_PASSWORD, valueFrom: {secretKeyRef: {name: {{ .secret }}, key: root-password}}}
  - {name: SERVICE_PASSWORD, valueFrom: {secretKeyRef: {name: {{ .secret }}, key: password}}}
  - {name: HOME, value: /tmp} # for mongosh, which creates the user
{{ include "superheroes.databaseProbes" "tcpSocket: {port: mongo}" }}
volumeMounts:
  - {name: data, mountPath: /data/db}
  - {name: scratch, mountPath: /data/configdb, subPath: config}
  - {name: scratch, mountPath: /tmp, subPath: tmp}
  - {name: init, mountPath: /docker-entrypoint-initdb.d, readOnly: true}
{{- end }}

{{- define "superheroes.databaseProbes" -}}
startupProbe:
  {{ . }}
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 150
readinessProbe:
  {{ . }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
livenessProbe:
  {{ . }}
  periodSeconds: 20
  timeoutSeconds: 10
  failureThreshold: 6
{{- end }}
