"""tools/notebooks.py: stored only when whole, the same on every run, pages that need no network."""

import nbformat
import pytest

from tools import notebooks

v4 = nbformat.v4


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    return tmp_path


def write(path, *sources):
    nbformat.write(v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources]), path)
    return path.read_bytes()


def test_refresh_stores_the_whole_notebook_and_repeats_to_the_byte(folder):
    path = folder / "01-whole.ipynb"
    write(path, "print('a'); print('b')", "1 + 1")
    notebooks.refresh([])
    stored = path.read_bytes()
    cells = nbformat.read(path, as_version=4).cells
    assert [cell.execution_count for cell in cells] == [1, 2]
    assert cells[0].outputs[0].text == "a\nb\n"
    assert cells[1].outputs[0].data["text/plain"] == "2"
    notebooks.refresh(["notebooks/01-whole.ipynb"])
    assert path.read_bytes() == stored


def test_a_failing_notebook_is_named_and_nothing_is_written(folder, capsys):
    path = folder / "01-broken.ipynb"
    before = write(path, "x = 0", "1 / x")
    with pytest.raises(notebooks.NotebookError, match=r"01-broken\.ipynb, cell 2 \(1 / x\): ZeroDivisionError"):
        notebooks.refresh([])
    with pytest.raises(notebooks.NotebookError):
        notebooks.study(folder / "build")
    assert path.read_bytes() == before
    assert list((folder / "build").iterdir()) == []
    assert "FAILED" in capsys.readouterr().out


def test_an_unknown_name_is_told_with_what_exists(folder):
    write(folder / "01-whole.ipynb", "1")
    with pytest.raises(notebooks.NotebookError, match="no notebook 02-part; there are 01-whole"):
        notebooks.chosen(["02-part"])


def test_a_page_reads_without_network_and_without_eyes():
    figure = v4.new_output(
        "display_data",
        {"image/png": "iVBORw0KGgo=", "text/plain": "fallback"},
        metadata={"image/png": {"alt": 'Bars: "web" 12.0 < app'}},
    )
    cells = [
        v4.new_markdown_cell("# Is <i>UX</i> distinct?\n\nSee [more](02-more.ipynb#Data) where $a < b$ and\n\n$$c_1$$"),
        v4.new_code_cell("figure", execution_count=1, outputs=[figure]),
    ]
    page = notebooks.page(v4.new_notebook(cells=cells), "01-page")
    assert "<title>Is UX distinct?</title>" in page
    assert '<html lang="en">' in page
    assert "alt='Bars: \"web\" 12.0 &lt; app'" in page
    assert page.count("<math") == 2
    assert 'href="02-more.html#Data"' in page
    assert "<script" not in page
    assert 'src="http' not in page


def test_ids_and_metadata_do_not_depend_on_the_run():
    cell = v4.new_code_cell("1", metadata={"execution": {"iopub.execute_input": "now"}, "tags": ["exercise"]})
    notebook = v4.new_notebook(cells=[cell], metadata={"language_info": {"name": "python", "version": "3.13.0"}})
    kept = notebooks.normalised(notebook)
    assert kept.cells[0].id == "cell-01"
    assert kept.cells[0].metadata == {"tags": ["exercise"]}
    assert kept.metadata == notebooks.METADATA
    assert notebooks.normalised(kept) == kept
