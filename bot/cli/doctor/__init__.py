"""The checks of `nhacviec doctor`: each returns findings and changes nothing."""
