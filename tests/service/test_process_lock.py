"""The name under which a process owns accounts."""

from __future__ import annotations

from pathlib import Path

from bot.service.process_lock import ProcessLock


def test_a_service_that_comes_back_has_the_name_it_had(tmp_path: Path) -> None:
    file = tmp_path / "nhacviec.db"
    first = ProcessLock(file)
    name = first.name
    first.release()
    again = ProcessLock(file)
    assert again.name == name
    again.release()


def test_two_processes_on_one_file_never_share_a_name(tmp_path: Path) -> None:
    file = tmp_path / "nhacviec.db"
    first, second, third = ProcessLock(file), ProcessLock(file), ProcessLock(file)
    assert len({first.name, second.name, third.name}) == 3
    for one in (first, second, third):
        one.release()


def test_on_a_database_server_every_process_has_a_name_of_its_own() -> None:
    assert ProcessLock(None).name != ProcessLock(None).name


def test_a_restore_that_was_killed_keeps_nobody_out(tmp_path: Path) -> None:
    file = tmp_path / "nhacviec.db"
    file.with_name("nhacviec.db.owner").write_bytes(b"alone")  # as it leaves it
    service, beside = ProcessLock(file), ProcessLock(file)
    assert service.is_held
    assert not beside.is_held
    service.release()


def test_a_folder_that_cannot_be_written_costs_only_the_quick_return(tmp_path: Path) -> None:
    assert (
        ProcessLock(tmp_path / "none" / "x.db").name != ProcessLock(tmp_path / "none" / "x.db").name
    )
