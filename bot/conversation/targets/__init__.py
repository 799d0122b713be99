"""Targets (chỉ tiêu) in chat: asked, recorded, shown."""
