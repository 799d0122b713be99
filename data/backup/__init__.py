"""Copy a whole database; restore one."""
