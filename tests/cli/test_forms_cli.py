"""nhacviec form: attach a file to a report, list what is attached, remove it; refusals change nothing."""

from __future__ import annotations

from pathlib import Path

from tests.cli.test_cli import Terminal, loaded, loaded_file, terminal

__all__ = ["loaded", "loaded_file", "terminal"]  # fixtures


def write(folder: Path, name: str, content: bytes = b"%PDF-1.7\n bieu mau") -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


def test_a_file_is_attached_listed_replaced_and_removed(loaded: Terminal, tmp_path: Path) -> None:
    file = write(tmp_path, "bieu-mau.pdf")
    attached = loaded.json("form", "attach", "131", "bc.1", file)
    assert (attached["name"], attached["code"], attached["replaced"]) == (
        "bieu-mau.pdf",
        "BC.1",
        False,
    )
    code, out, _ = loaded.type("form", "attach", "131", "BC.1", file)
    assert (code, "Đã thay bieu-mau.pdf" in out) == (0, True)
    (row,) = loaded.json("form", "list", "131")
    assert (row["plan"], row["attached_by"], row["removed_at"]) == ("131/KH-UBND", "quản trị", None)
    assert len(loaded.json("form", "list", "--removed")) == 2
    assert "bieu-mau.pdf" in loaded.type("form", "list")[1]
    assert "Không có ai để hỏi lại" in loaded.refused("form", "remove", str(row["id"]))
    assert loaded.json("form", "remove", str(row["id"]), "--yes") == {
        "id": row["id"],
        "removed": True,
    }
    assert loaded.json("form", "list") == []
    assert "Không có mẫu số" in loaded.refused("form", "remove", str(row["id"]), "--yes")


def test_a_refused_file_says_why_and_nothing_is_attached(loaded: Terminal, tmp_path: Path) -> None:
    for name, content, why in (
        ("a.exe", b"MZ\x90\x00", "chỉ nhận ảnh"),
        ("TOI_MAT_mau.pdf", b"%PDF-1.7", "dấu chỉ độ mật"),
        ("hong.docx", b"PK\x03\x04 not an archive", "tệp hỏng"),
        ("to.pdf", b"%PDF-1.7" + b"x" * 10 * 1024 * 1024, "lớn hơn 10 MB"),
    ):
        assert why in loaded.refused(
            "form", "attach", "131", "BC.1", write(tmp_path, name, content)
        )
    missing = loaded.refused("form", "attach", "131", "BC.1", str(tmp_path / "none.pdf"))
    assert "Không đọc được" in missing
    file = write(tmp_path, "mau.pdf")
    assert "không có báo cáo «BC.99»" in loaded.refused("form", "attach", "131", "BC.99", file)
    assert loaded.json("form", "list", "--removed") == []
