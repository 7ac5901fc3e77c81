{{/* The prefix of all names. */}}
{{- define "superheroes.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" (.Release.Name | trunc 28 | trimSuffix "-") .Chart.Name -}}
{{- end -}}
{{- end }}

{{/* The services: the port that each has with the command up, the database it uses, and the services it calls. */}}
{{- define "superheroes.services" -}}
arena: {port: 8000, calls: [heroes, villains, locations, fights, statistics]}
heroes: {port: 8001, database: heroes, calls: []}
villains: {port: 8002, database: villains, calls: []}
locations: {port: 8003, database: locations, calls: []}
fights: {port: 8004, database: fights, calls: [heroes, villains, locations]}
statistics: {port: 8005, database: fights, calls: []}
{{- end }}

{{/* The databases: the setting that contains a database's URL, and the parts of the URL in the mode bundled. */}}
{{- define "superheroes.databases" -}}
heroes: {engine: postgres, setting: DATABASE_URL, scheme: postgres, user: superman, port: 5432, name: heroes_database}
villains: {engine: postgres, setting: DATABASE_URL, scheme: postgres, user: superman, port: 5432, name: villains_database}
locations: {engine: mariadb, setting: MYSQL_URL, scheme: mysql, user: locations, port: 3306, name: locations_database}
fights: {engine: mongo, setting: MONGODB_URL, scheme: mongodb, user: superfight, port: 27017, name: fights}
{{- end }}

{{/* The helpers below take a dictionary with root, the chart's context, and component, the name of a service or a
     database. */}}

{{/* The component whose pods run a service. */}}
{{- define "superheroes.podComponent" -}}
{{- ternary "up" .component (eq .root.Values.databases.mode "embedded") -}}
{{- end }}

{{- define "superheroes.selector" -}}
app.kubernetes.io/name: {{ .name | default "superheroes" }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "superheroes.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: superheroes
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
{{ include "superheroes.selector" . }}
{{- end }}

{{- define "superheroes.metadata" -}}
name: {{ include "superheroes.fullname" .root }}-{{ .component }}
labels:
  {{- include "superheroes.labels" . | nindent 2 }}
{{- end }}

{{/* The settings of a service: those of all services, overridden by its own. */}}
{{- define "superheroes.settings" -}}
{{- $own := index .root.Values.services .component | default dict -}}
{{- mergeOverwrite (deepCopy .root.Values.service) (deepCopy $own) | toYaml -}}
{{- end }}

{{/* The name of the Secret with the URL of a database, and the URL's key. */}}
{{- define "superheroes.urlSecret" -}}
{{- $external := index .root.Values.databases.external .component -}}
{{- if and (eq .root.Values.databases.mode "external") $external.existingSecret -}}
{{- $external.existingSecret -}}
{{- else -}}
{{- include "superheroes.fullname" .root }}-{{ .component }}-url
{{- end -}}
{{- end }}

{{- define "superheroes.urlKey" -}}
{{- $external := index .root.Values.databases.external .component -}}
{{- if and (eq .root.Values.databases.mode "external") $external.existingSecret }}{{ $external.key }}{{ else }}url{{ end -}}
{{- end }}

{{/* The address of a service, from inside the cluster. */}}
{{- define "superheroes.url" -}}
http://{{ include "superheroes.fullname" .root }}-{{ .component }}:8000
{{- end }}
