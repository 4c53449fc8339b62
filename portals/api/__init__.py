"""This product's own API, at ``/api/v1``, and the description of every API."""
