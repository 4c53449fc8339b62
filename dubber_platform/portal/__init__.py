"""Dubber's recordings site, at ``/app``."""
