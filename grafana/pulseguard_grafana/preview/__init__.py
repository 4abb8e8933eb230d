"""Dashboards without Grafana: what each panel would show, evaluated by a Prometheus, as text.

It reads what Grafana reads, the shipped JSON, and does with it what Grafana does.
"""
