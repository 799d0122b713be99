"""The registry's YAML files, agencies as of a date, working days; pure."""
