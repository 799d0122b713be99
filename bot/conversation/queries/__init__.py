"""Ask and search: /status, /viec, /tim, /quahan, /lich, /baocao."""
