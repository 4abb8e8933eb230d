"""The host's side of the deployment with Docker: secrets and addresses.

Run by the system's Python, where nothing is installed: all that is imported here is the standard
library's, or imports nothing else itself.
"""
