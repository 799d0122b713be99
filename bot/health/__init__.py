"""What is wrong with the running service, as `nhacviec doctor` and /healthz both tell it."""
