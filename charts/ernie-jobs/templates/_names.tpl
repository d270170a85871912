{{- /* Names, labels and images that the other files share. */}}

{{- define "ernie-jobs.name" -}}
{{ .Values.fullnameOverride | default .Release.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "ernie-jobs.account" -}}
{{ .Values.serviceAccount.name | default (include "ernie-jobs.name" .) }}
{{- end }}

{{- define "ernie-jobs.claim" -}}
{{ include "ernie-jobs.name" . }}-nfs
{{- end }}

{{- /* (list root "part"): metadata of an object of a part; "" is the chart as a whole. */}}
{{- define "ernie-jobs.metadata" -}}
{{- $root := index . 0 }}{{ $part := index . 1 -}}
name: {{ include "ernie-jobs.name" $root }}{{ with $part }}-{{ . }}{{ end }}
namespace: {{ $root.Release.Namespace }}
{{ include "ernie-jobs.labels" . }}
{{- end }}

{{- define "ernie-jobs.labels" -}}
{{- $root := index . 0 }}{{ $part := index . 1 -}}
labels:
  {{- include "ernie-jobs.selector" . | nindent 2 }}
  app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ $root.Release.Service }}
  {{- with $root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "ernie-jobs.selector" -}}
{{- $root := index . 0 }}{{ $part := index . 1 -}}
app.kubernetes.io/name: ernie-jobs
app.kubernetes.io/instance: {{ $root.Release.Name }}
{{- with $part }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- /* (list root image "where"): the reference of an image. */}}
{{- define "ernie-jobs.image" -}}
{{- $root := index . 0 }}{{ $image := index . 1 }}{{ $where := index . 2 -}}
{{- $name := required (printf "%s.repository: name the image" $where) $image.repository -}}
{{- with $image.registry | default $root.Values.registry }}{{ $name = printf "%s/%s" . $name }}{{ end -}}
{{- if $image.digest -}}
{{ $name }}@{{ $image.digest }}
{{- else if and $root.Values.allowTags $image.tag -}}
{{ $name }}:{{ $image.tag }}
{{- else -}}
{{ fail (printf "%s.digest: name the image by digest, a tag may mean another one tomorrow (or set allowTags and a tag)" $where) }}
{{- end -}}
{{- end }}

{{- /* The security contexts of every pod and container of this chart. */}}
{{- define "ernie-jobs.pod-security" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "ernie-jobs.container-security" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- /* (list root "group" "setting"): the newest version of another project's API group, or why there is none. */}}
{{- define "ernie-jobs.api" -}}
{{- $root := index . 0 }}{{ $setting := index . 2 }}{{ $found := "" -}}
{{- range index . 1 }}{{ if and (not $found) ($root.Capabilities.APIVersions.Has .) }}{{ $found = . }}{{ end }}{{ end -}}
{{- required (printf "%s is on, but the cluster has no %s: install what it belongs to first (for `helm template`: --api-versions)" $setting (index . 1 0)) $found -}}
{{- end }}

{{- /* Endpoint and credentials of the object store, as environment of a container. */}}
{{- define "ernie-jobs.store-env" -}}
{{- with .Values.store.endpoint }}
- {name: AWS_ENDPOINT_URL_S3, value: {{ . | quote }}}
{{- end }}
{{- with .Values.store.region }}
- {name: AWS_REGION, value: {{ . | quote }}}
{{- end }}
{{- with .Values.store.secret.name }}
{{- $secret := . }}
{{- range $.Values.store.secret.keys }}
- {name: {{ . }}, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ . }}}}}
{{- end }}
{{- end }}
{{- end }}
