"""The platform's REST interface, in Dubber's shapes."""
