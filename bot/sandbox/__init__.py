"""The sandbox: the whole program on one machine, without an account; `nhacviec sandbox`."""
