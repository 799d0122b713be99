"""The commands of `nhacviec`, one module a subject; bot/cli/main.py names them and imports them when called."""
