"""Answers that change nothing: /viec, /status, /quahan, /tim, /nhiemvu, /lichsu, /lich, /baocao."""
