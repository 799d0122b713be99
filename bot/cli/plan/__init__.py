"""The commands of `nhacviec plan`: the plans in the registry's files and in the database."""
