"""Registry files to rows."""
