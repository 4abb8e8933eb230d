"""The whole way: agent, model server, registry, sync and Prometheus, each a process."""
