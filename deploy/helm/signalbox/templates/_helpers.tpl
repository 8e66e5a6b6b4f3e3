{{- define "signalbox.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "signalbox.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "signalbox.labels" -}}
{{ include "signalbox.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "signalbox.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "signalbox.configMap" -}}
{{ .Values.existingConfigMap | default (include "signalbox.name" .) }}
{{- end }}

{{- /* What is embedded is of one process: two would each have a half of sessions, grants and budgets. */ -}}
{{- define "signalbox.check" -}}
{{- $many := or (gt (int .Values.replicas) 1) .Values.autoscaling.enabled }}
{{- $durable := dig "stores" "durable" "sqlite" .Values.config }}
{{- if and $many (not .Values.existingConfigMap) (not (hasPrefix "postgres" $durable)) (not (hasPrefix "${" $durable)) }}
{{- fail "More than one replica needs config.stores.durable: postgres://…, which they share; the embedded store is of one process." }}
{{- end }}
{{- end }}

{{- define "signalbox.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "signalbox.environment" -}}
{{- with .Values.envFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.env }}
env: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "signalbox.volumeMounts" -}}
- { name: config, mountPath: /etc/signalbox, readOnly: true }
{{- if .Values.secretFiles }}
- { name: secrets, mountPath: /etc/signalbox/secrets, readOnly: true }
{{- end }}
- { name: state, mountPath: /var/lib/signalbox }
- { name: tmp, mountPath: /tmp }
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}
