"""Regular expressions of every kind, good and broken, each judged by promtool and by us."""

WELL = r"""
{__name__=~"up|down"} > 0
{job=~".+"}
up{job!~"a.*|b"}
up{job=~"a--b|a&&b|~~"}
up{job=~"[a&b][~-]"}
up{job=~"C:\\\\users\\\\.*"}
up{job=~`C:\\users`}
up{job=~`a\.b|"\d+`}
up{job=~"\\Q.*\\E.*|\\Qa\\.b\\E"}
up{job=~`\Qa.b(\E+`}
up{job=~"[[:alpha:]]+[]a-z]*"}
up{job=~"(?i)a*?b??(c+)*(?:d{2}){500}"}
up{job=~"(?P<name>a){1000}|b{1000}"}
up{job=~"\\<a\\>"}
""".strip().splitlines()

BROKEN = r"""
up{job=~"[a"}
up{job=~"*"}
up{job=~"("}
up{job=~"a**"}
up{job=~"a+?*"}
up{job=~"a{2}{3}"}
up{job=~"((a{30}){30}){30}"}
up{job=~"(a{3}|b{600,}){2}"}
up{job=~"[a--b]"}
up{job=~"\\u0041"}
up{job=~`\Qa\E(`}
up{job=~`a|\Qb`}
""".strip().splitlines()
