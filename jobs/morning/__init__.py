"""The morning messages of a province."""
