"""Templates of every kind, good and broken, each judged by promtool and by us."""

WELL = r"""
plain text
{ not a template }
}} neither
{{ $value }}
{{$value}}
{{- $value -}}
 a {{- $value -}} b
{{ $labels.agent }}
{{ $labels.agent }} and {{ $labels.team }}
{{ .Labels.agent }}
{{ .Value }}
{{ $.Value }}
{{ . }}
{{ $ }}
{{ $externalLabels.region }}
{{ $externalURL }}
{{ externalURL }}
{{ pathPrefix }}
{{ $value | humanize }}
{{ $value | humanize1024 }}
{{ $value | humanizePercentage }}
{{ $value | humanizeDuration }}
{{ $value | humanizeTimestamp }}
{{ humanize $value }}
{{ printf "%.2f" $value }}
{{ printf "%.2f and %s" $value $labels.agent }}
{{ $value | printf "%.2f" }}
{{ $value | printf "%.2f" | title }}
{{ printf "%100.3f %%" $value }}
{{ $x := "none" }}{{ range $labels }}{{ $x = . }}{{ end }}{{ $x }}
{{ $x := "a" }}{{ $x = print $x $x }}{{ $x }}
{{ range $a, $b := $labels }}{{ printf "%s=%q" $a $b }}{{ end }}
{{ reReplaceAll "(.*):.*" "$1" $labels.instance }}
{{ printf `%.2f` $value }}
{{ print "a" 1 true nil }}
{{ "a string" }}
{{ `raw` }}
{{ 1 }}
{{ -1.5e3 }}
{{ 0x1F }}
{{ 'a' }}
{{ true }}
{{ 1 | print }}
{{ (print 1) }}
{{ (print (print 1)) | title }}
{{ title (print "a") }}
{{ /* not closed as a comment }}{{ end }}
{{/* a comment */}}
{{- /* a comment */ -}}
{{/* one */}}{{/* two */}}
{{ if $value }}a{{ end }}
{{ if gt $value 1.0 }}a{{ else }}b{{ end }}
{{ if eq $labels.team "a" }}a{{ else if eq $labels.team "b" }}b{{ else }}c{{ end }}
{{ if and (gt $value 1.0) (lt $value 2.0) }}a{{ end }}
{{ if or $value $value }}a{{ end }}
{{ if not $value }}a{{ end }}
{{ with $labels.team }}{{ . }}{{ end }}
{{ with $labels.team }}{{ . }}{{ else }}none{{ end }}
{{ with $x := $labels.team }}{{ $x }}{{ end }}
{{ range $labels }}{{ . }}{{ end }}
{{ range $name, $value := $labels }}{{ $name }}={{ $value }} {{ end }}
{{ range $name := $labels }}{{ $name }}{{ end }}
{{ range $labels }}{{ . }}{{ else }}none{{ end }}
{{ range $labels }}{{ break }}{{ end }}
{{ range $labels }}{{ if . }}{{ continue }}{{ end }}{{ end }}
{{ $x := 1 }}{{ $x }}
{{ $x := 1 }}{{ $x = 2 }}{{ $x }}
{{ $x := $value | humanize }}{{ $x }}
{{ if $x := $value }}{{ $x }}{{ end }}
{{ define "a" }}text{{ end }}{{ template "a" }}
{{ define "a" }}{{ . }}{{ end }}{{ template "a" $value }}
{{ define "a" }}{{ $ }}{{ end }}{{ template "a" . }}
{{ define `a` }}b{{ end }}{{ template `a` }}
{{ define "a" }} {{ end }}{{ define "a" }}b{{ end }}{{ template "a" }}
{{ block "a" . }}text{{ end }}
{{ block "a" $value }}{{ . }}{{ end }}
{{ len $labels }}
{{ index $labels "team" }}
{{ slice "abc" 1 2 }}
{{ html "a" }}{{ js "b" }}{{ urlquery "c" }}
{{ match "a.*" $labels.agent }}
{{ reReplaceAll "a" "b" $labels.agent }}
{{ toUpper $labels.agent }}{{ toLower $labels.agent }}
{{ stripPort $labels.instance }}
{{ stripDomain $labels.instance }}
{{ parseDuration "5m" }}
{{ toTime $value }}
{{ graphLink "up" }}{{ tableLink "up" }}
{{ safeHtml "a" }}
{{ args 1 2 }}
{{ println "a" }}
{{ call print "a" }}
{{ (print "a").b }}
{{ $value	| 	humanize }}
{{"{{"}}
{{ "}}" }}
{{ `}}` }}
{{ "\"" }}
{{ "\\" }}
{{ "é" }}
{{ print .5 }}
{{ print 1_000 }}
{{ print 1i }}
{{ print $value}}
{{print}}
{{ $value }}}
{{ $value | }}
{{ $_x := 1 }}
{{ if true }}{{ if true }}{{ end }}{{ end }}
{{ if true }}{{ else }}{{ if true }}{{ end }}{{ end }}
{{ not $value | print }}
{{ eq 1 1 }}{{ ge 1 1 }}{{ le 1 1 }}{{ ne 1 1 }}
{{ strvalue nil }}
{{ print(1) }}
{{ print (1)}}
{{ . | print }}
{{ template "a" }}{{ define "a" }}{{ end }}
""".strip().splitlines()
WELL.remove("{{ /* not closed as a comment }}{{ end }}")
WELL += ["{{ $value\n| humanize }}", "{{\n$value\n}}", "a {{-\n$value -}} b", "{{/* a\nb */}}", ""]

BROKEN = r"""
{{
{{ $value
{{ $value }
{{ }}
{{}}
{{ | humanize }}
{{ $value || humanize }}
{{ $unknown }}
{{ unknown }}
{{ unknown $value }}
{{ $value | unknown }}
{{ Humanize $value }}
{{ tmpl "a" . }}
{{ $value | 1 }}
{{ $value | "a" }}
{{ $value | . }}
{{ $value | nil }}
{{ $value | true }}
{{ end }}
{{ else }}
{{ if }}a{{ end }}
{{ if $value }}a
{{ if $value }}a{{ else }}b
{{ if $value }}a{{ else }}b{{ else }}c{{ end }}
{{ if $value }}{{ end }}{{ end }}
{{ with }}a{{ end }}
{{ with $value }}a
{{ with $value }}a{{ else with $value }}b{{ end }}
{{ with $value }}a{{ else if $value }}b{{ end }}
{{ range }}a{{ end }}
{{ range $labels }}a
{{ range $a, $b, $c := $labels }}a{{ end }}
{{ range $a, 1 := $labels }}a{{ end }}
{{ if $a, $b := $labels }}a{{ end }}
{{ $a, $b := 1 }}
{{ break }}
{{ continue }}
{{ if true }}{{ break }}{{ end }}
{{ range $labels }}{{ break 1 }}{{ end }}
{{ define }}a{{ end }}
{{ define a }}a{{ end }}
{{ define "a" }}a
{{ define "a" . }}a{{ end }}
{{ define "a" }}a{{ else }}b{{ end }}
{{ define "a" }}a{{ end }}{{ define "a" }}b{{ end }}
{{ define "a" }}{{ $value }}{{ end }}
{{ define "a" }}{{ $labels.a }}{{ end }}
{{ if true }}{{ define "a" }}b{{ end }}{{ end }}
{{ template }}
{{ template a }}
{{ template $value }}
{{ template "a" "b" | 1 }}
{{ block "a" }}b{{ end }}
{{ block "a" . }}b
{{ block a . }}b{{ end }}
{{/* a comment
{{/* a comment }}
{{/* a comment */ }}
{{ /* a comment */ }}
{{ "a }}
{{ `a }}
{{ 'a }}
{{ "a
{{ (print 1 }}
{{ print 1) }}
{{ () }}
{{ (print 1)) }}
{{ 1x }}
{{ 1.a }}
{{ "a".b }}
{{ nil.a }}
{{ true.a }}
{{ a.b }}
{{ a-b }}
{{ $value-1 }}
{{ $value + 1 }}
{{ $value > 1 }}
{{ $value == 1 }}
{{ $value = }}
{{ $value := }}
{{ := 1 }}
{{ x := 1 }}
{{ $x : 1 }}
{{ print 1, 2 }}
{{ $ value }}
{{ .Value. }}
{{ ..Value }}
{{ .1a }}
{{ # }}
{{ @ }}
{{ ! }}
{{ { }}
{{ $labels["a"] }}
{{ $labels.a-b }}
{{ print "\n
{{ é }}
{{ if $x := $value }}{{ end }}{{ $x }}
{{ with $x := $value }}{{ end }}{{ $x }}
{{ range $x := $labels }}{{ end }}{{ $x }}
{{-$value}}
{{ $value -}
{{ nil }}
{{ nil | print }}
{{ print `a }}
""".strip().splitlines()

# Few characters of which each evaluation makes megabytes or more.
BOMBS = (
    '{{ printf "%999999d" 1 }}',
    '{{ printf "%.999999f" $value }}',
    '{{ printf "%[1]*[2]d" 999999 1 }}',
    '{{ printf "\\x25999999d" 1 }}',
    '{{ $f := print "%9999" "99d" }}{{ printf $f 1 }}',
    '{{ "%999999d" | printf }}',
    '{{ $x := "text" }}' + "{{ $x = print $x $x }}" * 20,
    "{{ $x := $labels.agent }}" + "{{ $x := print $x $x }}" * 20,
    "{{ $labels.agent" + " | js" * 20 + " }}",
    '{{ $a := print $labels }}{{ reReplaceAll "" $a $a }}',
    '{{ $x := "a" }}{{ range $labels }}{{ $x = print $x $x }}{{ end }}',
    '{{ $x := "a" }}{{ range $labels }}{{ with $x }}{{ $x = print . . }}{{ end }}{{ end }}',
    "{{ range $labels }}{{ range $labels }}" + "{{ printf `%s` $labels }}" + "{{ end }}{{ end }}",
    '{{ printf "' + "%[1]s" * 100 + '" $labels }}',
    "{{ range args" + " 1" * 99 + " }}{{ end }}",
    '{{ define "b" }}{{ . }}{{ end }}{{ template "b" (print $labels $labels) }}',
    "{{ call printf 1 }}",
)

# Where we differ from Prometheus 2.42, and why.
REFUSED_BY_US_ALONE = {
    "{{ query `up` }}": "asks Prometheus anew for every alert, with whatever text",
    "{{ with query `up` }}{{ . | first | value }}{{ end }}": "the same",
    "{{ range query `up` }}{{ .Value }}{{ end }}": "the same",
    "{{ .Vaule }}": "is taken, and every expansion fails",
    "{{ $.Vaule }}": "is taken, and every expansion fails",
    "{{ $x = 1 }}{{ $x }}": "is taken, and every expansion fails",
    '{{ template "a" }}': "is taken, and every expansion fails",
    '{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}': "has no end",
    '{{ block "a" . }}{{ template "a" . }}{{ end }}': "has no end",
    '{{ template "__alert_Rule" . }}': "has no end",
    "{{ range 1000000000 }}{{ end }}": "takes newer Prometheus for ever",
    "{{ .Labels.a.b }}": "is taken, and every expansion fails",
    "{{ $labels.a.b }}": "is taken, and every expansion fails",
    "{{ $value.a }}": "is taken, and every expansion fails",
    **dict.fromkeys(BOMBS, "fills the memory of Prometheus"),
    "{{ range $labels }}" * 5 + "{{ end }}" * 5: "may take 24 million rounds",
    "{{ if true }}" * 50 + "{{ end }}" * 50: "nests deeper than anybody reads",
    "{{ " + "(" * 50 + "print" + ")" * 50 + " }}": "nests deeper than anybody reads",
}
