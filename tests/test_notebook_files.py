"""What nbval does not look at: that outputs are there, whole, readable and free of one machine's traces."""

import copy
import re
from pathlib import Path
from statistics import median

import nbformat
import pytest

from tools.notebooks import NOTEBOOKS, normalised, written

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
SECTIONS = (
    "Question",
    "What would prove us wrong",
    "Data",
    "Measure",
    "Model",
    "Verdict",
    "What this does not show",
    "References",
)
WITHOUT_SECTIONS = {"00-start-here"}
LONGEST_CELL = 15
MEDIAN_CELL = 4


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def lines(cell):
    return [line for line in cell.source.splitlines() if line.strip()]


def headings(notebook, level):
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    prose = re.sub(r"(?ms)^(```|~~~).*?^\1", "", prose)
    return re.findall(rf"(?m)^#{{{level}}}[ \t]+(.+?)[ \t]*#*[ \t]*$", prose)


def words(notebook):
    """All text of a notebook: its source and what it shows, without the bytes of images."""
    for cell in notebook.cells:
        yield cell.source
        for output in cell.get("outputs", []):
            yield output.get("text", "")
            yield from (str(value) for kind, value in output.get("data", {}).items() if kind[:6] != "image/")


# A guard takes a notebook and its name and tells whether all is well.


def was_run_from_top_to_bottom(notebook, name):
    return [cell.execution_count for cell in code_cells(notebook)] == list(range(1, len(code_cells(notebook)) + 1))


def no_cell_ends_in_a_semicolon(notebook, name):
    return not any(cell.source.rstrip().endswith(";") for cell in code_cells(notebook))


def no_cell_escapes_comparison(notebook, name):
    marked = any("NBVAL_" in cell.source for cell in code_cells(notebook))
    tags = [tag for cell in notebook.cells for tag in cell.metadata.get("tags", [])]
    return not marked and not any(tag.startswith("nbval-") or tag == "raises-exception" for tag in tags)


def has_one_title(notebook, name):
    return len(headings(notebook, 1)) == 1


def has_the_sections_in_order(notebook, name):
    present = iter(headings(notebook, 2))
    return name in WITHOUT_SECTIONS or all(section in present for section in SECTIONS)


def shows_no_error(notebook, name):
    return not any(output.output_type == "error" for output in outputs(notebook))


def shows_no_warning(notebook, name):
    return not any(output.get("name") == "stderr" for output in outputs(notebook))


def every_figure_has_its_sentence(notebook, name):
    figures = [output for output in outputs(notebook) if "image/png" in output.get("data", {})]
    alternatives = [figure.metadata.get("image/png", {}).get("alt", "") for figure in figures]
    sentences = [figure.data.get("text/plain", "") for figure in figures]
    bare = any(re.match(r"<|Figure\(", sentence) for sentence in sentences)
    return all(each.strip() for each in alternatives + sentences) and not bare


def names_no_place_of_one_machine(notebook, name):
    absolute = r"(?<![\w/.:])/(?:tmp|root|work|home|Users|private|var|opt|usr|mnt)/|\b[A-Za-z]:\\\w"
    return not any(re.search(absolute, text) for text in words(notebook))


def shows_no_memory_address(notebook, name):
    return not any(re.search(r"\b0x[0-9a-f]{6,}", text) for text in words(notebook))


def code_comes_in_small_cells(notebook, name):
    sizes = [len(lines(cell)) for cell in code_cells(notebook)]
    return min(sizes) > 0 and max(sizes) <= LONGEST_CELL and median(sizes) <= MEDIAN_CELL


def is_as_refresh_writes_it(notebook, name):
    return notebook == normalised(notebook)


GUARDS = (
    was_run_from_top_to_bottom,
    no_cell_ends_in_a_semicolon,
    no_cell_escapes_comparison,
    has_one_title,
    has_the_sections_in_order,
    shows_no_error,
    shows_no_warning,
    every_figure_has_its_sentence,
    names_no_place_of_one_machine,
    shows_no_memory_address,
    code_comes_in_small_cells,
    is_as_refresh_writes_it,
)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_notebook(path, guard):
    assert guard(nbformat.read(path, as_version=4), path.stem)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_file_is_byte_for_byte_what_refresh_writes(path):
    assert path.read_text(encoding="utf-8") == written(nbformat.read(path, as_version=4))


# Each guard fails on the fault it is there for, and only then.


@pytest.fixture
def sound():
    v4 = nbformat.v4
    figure = v4.new_output(
        "display_data",
        {"image/png": "iVBORw0KGgo=", "text/plain": "Bars: web 12.0, app 9.5."},
        metadata={"image/png": {"alt": "Bars: web 12.0, app 9.5."}},
    )
    shown = v4.new_output("execute_result", {"text/plain": "NPS = 34.2"}, execution_count=1)
    cells = [
        v4.new_markdown_cell("# Is it so?"),
        *[v4.new_markdown_cell(f"## {section}") for section in SECTIONS],
        v4.new_code_cell("nps", execution_count=1, outputs=[shown]),
        v4.new_code_cell("figure", execution_count=2, outputs=[figure]),
    ]
    return normalised(v4.new_notebook(cells=cells))


def stripped(notebook):
    notebook.cells[-1].execution_count = None


def run_out_of_order(notebook):
    notebook.cells[-1].execution_count = 7


def silenced(notebook):
    notebook.cells[-1].source += ";\n"


def marked_in_a_comment(notebook):
    notebook.cells[-1].source += "  # NBVAL_" + "IGNORE_OUTPUT"


def marked_by_a_tag(notebook):
    notebook.cells[-1].metadata["tags"] = ["nbval-" + "skip"]


def second_title(notebook):
    notebook.cells[1].source += "\n\n# Another"


def section_missing(notebook):
    del notebook.cells[3]


def sections_swapped(notebook):
    cells = notebook.cells
    cells[4].source, cells[5].source = cells[5].source, cells[4].source


def error_stored(notebook):
    notebook.cells[-1].outputs.append(nbformat.v4.new_output("error", ename="ValueError", evalue="no"))


def warning_stored(notebook):
    notebook.cells[-1].outputs.append(nbformat.v4.new_output("stream", name="stderr", text="Warning"))


def alternative_missing(notebook):
    notebook.cells[-1].outputs[0].metadata = nbformat.from_dict({})


def sentence_missing(notebook):
    notebook.cells[-1].outputs[0].data["text/plain"] = "<Figure size 500x300 with 1 Axes>"


def home_folder_shown(notebook):
    notebook.cells[-2].outputs[0].data["text/plain"] = "/".join(["read ", "home", "someone", "answers.csv"])


def drive_letter_in_code(notebook):
    notebook.cells[-2].source = 'read("C:' + '\\Users")'


def address_shown(notebook):
    notebook.cells[-2].outputs[0].data["text/html"] = "&lt;Axes at 0x7f2a10b3c4d0&gt;"


def long_cell(notebook):
    notebook.cells[-1].source = "x = 1\n" * (LONGEST_CELL + 1)


def all_cells_long(notebook):
    for cell in notebook.cells[-2:]:
        cell.source = "x = 1\n" * (MEDIAN_CELL + 1)


def timing_recorded(notebook):
    notebook.cells[-1].metadata["execution"] = {"iopub.status.busy": "2026-01-01T00:00:00Z"}


def patch_version_recorded(notebook):
    notebook.metadata.language_info["version"] = "3.11.7"


def random_id(notebook):
    notebook.cells[-1].id = "f00dbeef"


FAULTS = (
    (was_run_from_top_to_bottom, stripped),
    (was_run_from_top_to_bottom, run_out_of_order),
    (no_cell_ends_in_a_semicolon, silenced),
    (no_cell_escapes_comparison, marked_in_a_comment),
    (no_cell_escapes_comparison, marked_by_a_tag),
    (has_one_title, second_title),
    (has_the_sections_in_order, section_missing),
    (has_the_sections_in_order, sections_swapped),
    (shows_no_error, error_stored),
    (shows_no_warning, warning_stored),
    (every_figure_has_its_sentence, alternative_missing),
    (every_figure_has_its_sentence, sentence_missing),
    (names_no_place_of_one_machine, home_folder_shown),
    (names_no_place_of_one_machine, drive_letter_in_code),
    (shows_no_memory_address, address_shown),
    (code_comes_in_small_cells, long_cell),
    (code_comes_in_small_cells, all_cells_long),
    (is_as_refresh_writes_it, timing_recorded),
    (is_as_refresh_writes_it, patch_version_recorded),
    (is_as_refresh_writes_it, random_id),
)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_a_sound_notebook_passes(guard, sound):
    assert guard(sound, "01-sound")


@pytest.mark.parametrize(("guard", "fault"), FAULTS, ids=lambda each: each.__name__)
def test_a_planted_fault_is_found(guard, fault, sound):
    faulty = copy.deepcopy(sound)
    fault(faulty)
    assert not guard(faulty, "01-faulty")


def test_every_guard_has_a_planted_fault():
    assert {guard for guard, _ in FAULTS} == set(GUARDS)


def test_headings_inside_code_blocks_do_not_count(sound):
    sound.cells[0].source += "\n\n```python\n# a comment\n```"
    assert has_one_title(sound, "01-sound")


def test_only_notebooks_lie_in_the_folder():
    strays = [
        path.name
        for path in Path(NOTEBOOKS).glob("*")
        if path.suffix not in (".ipynb", ".md") and path.name != "ruff.toml"
    ]
    assert [name for name in strays if not name.startswith(".")] == []
