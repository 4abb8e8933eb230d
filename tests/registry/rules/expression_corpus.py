"""Expressions of every kind, good and broken, each judged by promtool and by us."""

WELL = r"""
up
up == 0
up{job="agents"} == 0
up{job='agents'}
up{job=`agents`}
up{job=~`\d+\.\w`, team=`"b'\`} or up{job="a`", team='`b\\'}
label_replace(up, `a`, `\x`, `b`, `(.*)\n`)
{__name__="up"}
{job="agents"}
{job!="",team=""}
up{}
up{job="a",}
up{job="a\"b"}
up{job="a\\b"}
up{job="é 😀"}
up offset 5m
up offset -5m
up @ 1700000000
up @ start()
up @ end() offset 1m
rate(x_total[5m])
rate(x_total[5m]) > 0.1
rate(x_total[1h30m])
rate(x_total[90s] offset 1d)
irate(x_total[1m])
increase(x_total{a="b"}[1w]) > 10
sum(x)
sum by (a) (x)
sum by (a, b,) (x)
sum by () (x)
sum (x) by (a)
sum without (le) (rate(x_bucket[5m]))
SUM BY (a) (x)
avg(x) / count(x)
topk(3, x)
bottomk(3, x) by (a)
quantile(0.9, x)
count_values("version", build)
group(x)
stddev(x) > stdvar(x)
min(x) < max(x)
histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))
histogram_count(x)
histogram_sum(x)
histogram_fraction(0, 1, x)
a + b
a - b * c / d % e ^ f
-a
+a
- - a
a atan2 b
a == bool 1
1 == bool 1
a != b
a >= b
a > bool b
a and b
a or b
a unless b
a and on (x) b
a and ignoring (x) b
a / on (x) group_left b
a / on (x) group_left (y) b
a / ignoring (x) group_right (y, z) b
a * on () group_left () b
(a > 1) and (b < 2)
((a))
1
1.5e3
.5
5.
0x1F
1e-3
Inf
-Inf
NaN
+inf
vector(1)
time()
pi()
scalar(x)
time() - timestamp(up) > 60
absent(up{job="agents"})
absent_over_time(up[5m])
abs(x) ceil(x)
avg_over_time(x[5m])
max_over_time(x[1h:1m])
max_over_time(rate(x_total[5m])[1h:])
max_over_time((x > 1)[1h:30s] offset 1d)
quantile_over_time(0.5, x[5m])
last_over_time(x[5m])
present_over_time(x[5m])
count_over_time(x[5m])
stddev_over_time(x[5m])
changes(x[5m])
resets(x[5m]) >= 5
delta(x[5m])
idelta(x[5m])
deriv(x[5m])
predict_linear(x[1h], 3600)
label_replace(x, "a", "$1", "b", "(.*)")
label_join(x, "a", "-", "b", "c")
label_join(x, "a", "-")
label_replace(x, "a", "$1", "", "\\Q(\\E\"(.*)")
round(x)
round(x, 0.1)
clamp(x, 0, 1)
clamp_min(x, 0)
clamp_max(x, 1)
sort_desc(x)
hour()
day_of_week(vector(time()))
days_in_month()
sgn(x)
ln(x)
log2(x)
sin(x)
exp(x)
sqrt(x)
a # with a comment
on
by
sum
bool
group_left
offset
inf:nan
level:metric:rate5m
_x
:x
rate_x
x[5m]
"text"
x[5m:1m]
sum(x) without (a) > 1
x > 1 < 2
2 ^ 3 ^ 2 == bool 512
x{a="b"} * on (a) x{a="c"}
(x)
rate(x_total[5m])    >    1
""".strip().splitlines()

# Lines of their own, since they hold line ends or nothing.
WELL += ["a\n+\nb", "sum(\n  x # why\n)", "\tup ", "# first\nup"]

BROKEN = r"""
sum(
sum x
sum(x))
(x
x)
x[5m
x[5]
x[5m]]
x[]
x[m]
x[5q]
x[-5m]
x[5m1h]
x[1h 5m]
rate(x)
rate(x[5m], 2)
rate()
rate("x")
foo(x)
Rate(x[5m])
sum(x[5m])
avg_over_time(x)
histogram_quantile(x_bucket)
histogram_quantile("a", x)
topk(x)
topk("a", x)
quantile(x)
count_values(x)
count_values(1, x)
1 > 2
1 and 2
a and 1
a unless 1
1 or a
"a" + 1
a + "b"
a + b[5m]
a == bool
a bool == b
a + bool b
a and on (x) group_left (y) b
a / on (x) group_left (x) b
a on (x) b
a + on b
a ++
* a
a b
a,b
a = 1
a =~ 1
a !~ b
a === b
a & b
a && b
a || b
!a
a; b
$a
a.b
a-
up{job}
up{job=}
up{job=agents}
up{job="agents"
up{"agents"}
up{job=="agents"}
up{job="a" team="b"}
up{,}
up{job="a",,}
up{job="\q"}
up{job="a}
up{0job="a"}
up{job-name="a"}
up{__name__="down"}
{}
{job=""}
{job=~".*"}
{job!="x"}
{job=~""}
up offset
up offset x
up offset 5
up offset 5m offset 5m
up @
up @ x
up @ "a"
sum(up) offset 5m
x[5m] offset
rate(x[5m] offset)
x[5m][5m]
x[5m:1m
x[5m:1m:1m]
"a
'a
`a
1x
0xZZ
1e
1..2
5m
x > 5m
é
{"up"}
{"up",job="a"}
up{"job"="a"}
{job="a" or job="b"}
limitk(2, x)
limit_ratio(0.5, x)
mad_over_time(x[5m])
sort_by_label(x, "a")
info(x)
histogram_avg(x)
histogram_stddev(x)
double_exponential_smoothing(x[5m], 0.1, 0.1)
first_over_time(x[5m])
ts_of_max_over_time(x[5m])
step()
max_of(1, 2)
a + fill (0) b
a + fill_left (0) b
rate(x[5m] smoothed)
x[1m+2m]
x offset (1m)
sum by (a) by (b) (x)
sum by a (x)
sum by ("a") (x)
sum without (x
label_replace(x, "a", "b", "c")
label_replace(x, a, "b", "c", "d")
clamp(x, 0)
vector(x)
scalar(1)
time(1)
absent(1)
-"a"
""".strip().splitlines()

BROKEN += ["", " ", "# nothing", "\x00", 'up{job="a\nb"}', "1_000"]

# Where we differ from Prometheus 2.42, and why.
REFUSED_BY_US_ALONE = {
    "x[5m]": "a rule that ends in a range is taken, and its every evaluation fails",
    '"text"': "so is one that is a text",
    "x[5m:1m]": "so is one that is a subquery",
    "holt_winters(x[5m], 0.1, 0.1)": "has another name since Prometheus 3",
    'label_replace(up == 0, "x", "$1", "y", "(")': "is taken, and every evaluation fails",
    'label_replace(up, "a b", "$1", "y", "z")': "is taken, and every evaluation fails",
    'label_join(up, "a", "-", "b", ("c-d"))': "is taken, and every evaluation fails",
    'count_values("a b", up)': "is taken, and every evaluation fails",
    "+".join(["x"] * 300): "more than our parser can take without harm to the registry",
}
