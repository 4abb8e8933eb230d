"""The registry: the one server, which knows the fleet."""

# In each router's own prefix, so that a request's route tells its whole path.
API_PREFIX = "/api/v1"
