"""Texts as nobody should type them."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

LONE_SURROGATE = "a\ud800b"
# As they may stand in any text field, byte for byte.
HARMLESS = (
    *("'", '"', "`", "''", '""', "\\", "\\\\", "\\n", '\\"', "a\\"),
    *("{", "}", "{}", "}}", "{%", "${x}", "$(x)", "$x", "%s", "%", "%%", "%(x)s", "%20"),
    *(": ", "a: b", "#", " # c", "a #b", "- ", "- a", "-", "---", "...", "? a", "|", ">", "|-"),
    *("!", "!!python/object:os.system", "!!binary eA==", "&a", "*a", "<<: *a", "@", "[a, b]"),
    *("{a: b}", "~", "null", "true", "no", "0x10", "1e3", "1_000", "12:30", "2026-11-28", ".inf"),
    *(" a", "a ", " a ", "a  b", "a\u00a0b", "\u3000a", "é", "ß", "日本", "😀", "🏳"),
    *("<script>alert(1)</script>", "<b>", "&lt;", "';DROP TABLE rule_groups;--", "a' OR '1'='1"),
    *("../../etc/passwd", "/", "a/b", "\\\\host", "file:///etc/passwd", "http://a/?b=c&d#e"),
    *(".*", "(?i)a", "[", "(", "a|b", "^$", "+", ")", ",", ";", "=", "=~", '"} or up{a="'),
)
# Not everywhere.
SHADY = (
    *("{{", "{{ ", "a {{ b", "{{ $value }}", '{{ query "up" }}', "{{ .ExternalURL }}"),
    *('{{ "up" | query }}', "{{ if true }}", "{{ range . }}x{{ end }}", "{{/* a */}}", "{{-1-}}"),
    *('{{ template "x" }}', '{{ define "x" }}{{ end }}', "{{ printf `%s` .Labels }}", "{ {", "{{{"),
    *(" ", "  ", "\t", "\n", "a\tb", "a\nb", "\na", "a\n", "a\r", "a\rb", "a\r\nb", "\n\n\n"),
    *("a\u0085b", "a\u2028b", "a\u2029b", "\ufeffa", "a\ufeff", "a\u200bb", "a\u200db", "a\u00adb"),
    *("a\u202eb", "a\u200fb", "a\u2067b", "a\x00b", "\x00", "a\x07b", "a\x1bb", "a\x7fb", "a\x9fb"),
    *("a\ufffdb", "a\uffffb", "a\ufdd0b", "\U0010ffff", "\ue000", "a\u0301", "\u0301"),
    *("x" * 120, "x" * 121, "x" * 1000, "é" * 1000, "x" * 1001, "'" * 500, "\\" * 1000, "\n" * 90),
    *("a: b\n- c: d\n", "x\n  expr: up\n  labels: {a: b}", "'\n\"\n`", "a\n---\nb: c"),
)


# Else most of what hypothesis thinks of has something that nobody stores.
STORABLE = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])


def hostile_texts(count: int) -> Sequence[str]:
    """So many different ones: these, and what hypothesis thinks of."""
    found = dict.fromkeys((*HARMLESS, *SHADY))

    @settings(
        max_examples=2 * count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.text(min_size=1, max_size=60) | st.text(STORABLE, min_size=1, max_size=60))
    def take(text: str) -> None:
        found[text] = None

    take()
    assert len(found) >= count
    return list(found)[:count]
