"""What the running service needs beside the web: accounts, start, lock, log, ping."""
