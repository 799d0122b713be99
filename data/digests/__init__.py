"""Facts of the weekly digests."""
