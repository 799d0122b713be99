"""The weekly digests."""
