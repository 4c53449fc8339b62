"""What every page shares: layout, sessions, CSRF, French and English, built assets."""
