"""The caller of a turn: rights, view, the plans and agencies named, pages and buttons."""
