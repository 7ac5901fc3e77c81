{{/* What all pods have in common. The helper takes root and a securityContext from the values. */}}
{{- define "superheroes.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  seccompProfile: {type: RuntimeDefault}
  {{- range $key, $id := .securityContext }}
  {{- if not (kindIs "invalid" $id) }}
  {{ $key }}: {{ int64 $id }}
  {{- end }}
  {{- end }}
  {{- if .securityContext.fsGroup }}
  fsGroupChangePolicy: OnRootMismatch
  {{- end }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .root.Values.pods.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.pods.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "superheroes.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{/* The pod of a service, or of all services (component up). The helper takes root and component, and:
     ports, by name; probed, the name of the port that the probes use; env, the variables that differ between services, and
     extra, those from the values; resources; secrets, the Secrets to mount, by folder; and data, the kind of volume for the
     data folder: claim, emptyDir or none. */}}
{{- define "superheroes.servicePod" -}}
{{- $values := .root.Values -}}
metadata:
  labels:
    {{- include "superheroes.selector" . | nindent 4 }}
  {{- with $values.pods.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "superheroes.fullname" .root }}
  {{- include "superheroes.pod" (dict "root" .root "securityContext" $values.pods.securityContext) | nindent 2 }}
  terminationGracePeriodSeconds: {{ add $values.shutdown.preStopSeconds $values.shutdown.drainSeconds $values.shutdown.requestSeconds 5 }}
  {{- with $values.pods.topologyKeys }}
  topologySpreadConstraints:
    {{- range . }}
    - topologyKey: {{ . }}
      maxSkew: 1
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "superheroes.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  containers:
    - name: superheroes
      image: {{ include "superheroes.image" .root }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args: [{{ .component }}]
      {{- include "superheroes.containerSecurity" . | nindent 6 }}
      ports:
        {{- range $name, $port := .ports }}
        - {name: {{ $name }}, containerPort: {{ $port }}}
        {{- end }}
        - {name: admin, containerPort: 9090}
      env:
        {{- include "superheroes.env" . | trim | nindent 8 }}
      startupProbe: # The service gives up before this probe does, and its log says why.
        httpGet: {path: /readyz, port: {{ .probed }}}
        periodSeconds: 1
        timeoutSeconds: 3
        failureThreshold: {{ add $values.storeWaitSeconds 30 }}
      readinessProbe:
        httpGet: {path: /readyz, port: {{ .probed }}}
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      livenessProbe:
        httpGet: {path: /livez, port: {{ .probed }}}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      {{- with $values.shutdown.preStopSeconds }}
      lifecycle:
        preStop:
          sleep: {seconds: {{ . }}}
      {{- end }}
      resources:
        {{- toYaml .resources | nindent 8 }}
      {{- if or .data .secrets }}
      volumeMounts:
        {{- if .data }}
        - {name: data, mountPath: /data}
        {{- end }}
        {{- range $folder, $secret := .secrets }}
        - {name: {{ $folder }}, mountPath: /etc/superheroes/{{ $folder }}, readOnly: true}
        {{- end }}
      {{- end }}
  {{- if or (eq (.data | default "") "emptyDir") .secrets }}
  volumes:
    {{- if eq (.data | default "") "emptyDir" }}
    - {name: data, emptyDir: {sizeLimit: {{ $values.databases.embedded.persistence.size }}}}
    {{- end }}
    {{- range $folder, $secret := .secrets }}
    - {name: {{ $folder }}, secret: {secretName: {{ $secret }}}}
    {{- end }}
  {{- end }}
{{- end }}

{{- define "superheroes.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest | quote -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote -}}
{{- end -}}
{{- end }}

{{/* The environment of a service. The program itself reads the memory limit of its container, and sets GOMEMLIMIT to nine
     tenths of it. */}}
{{- define "superheroes.env" -}}
{{- $values := .root.Values -}}
{{- $env := dict
    "PROFILE" $values.profile
    "ADMIN_ADDR" ":9090"
    "DRAIN_DELAY" (printf "%vs" $values.shutdown.drainSeconds)
    "SHUTDOWN_TIMEOUT" (printf "%vs" $values.shutdown.requestSeconds) -}}
{{- with $values.trustedOrigins }}
{{- $_ := set $env "TRUSTED_ORIGINS" (join "," .) }}
{{- end }}
{{- with $values.tracing.endpoint }}
{{- $_ := set $env "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" . }}
{{- $_ := set $env "OTEL_RESOURCE_ATTRIBUTES" "service.instance.id=$(POD_NAME),k8s.pod.name=$(POD_NAME),k8s.namespace.name=$(POD_NAMESPACE)" }}
{{- end }}
{{- if .secrets.admin }}
{{- $_ := set $env "ADMIN_TOKEN_FILE" (printf "/etc/superheroes/admin/%s" $values.adminToken.key) }}
{{- end }}
{{- $env = mergeOverwrite $env .env ($values.env | default dict) (.extra | default dict) -}}
{{- if $values.tracing.endpoint }}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
{{- end }}
{{- if not (hasKey $env "GOMAXPROCS") }}
- name: GOMAXPROCS
  valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: "1"}}
{{- end }}
{{- range $name, $value := $env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
