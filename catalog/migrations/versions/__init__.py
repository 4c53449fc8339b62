"""One module per step; only upwards."""
