"""The tab "Batch": many pictures through any models, as a table and as files to keep."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from skinmodels.batch import engine, figures, picture_files, rows
from skinmodels.batch.figures import Figures, Labels
from skinmodels.batch.picture_files import PictureFile
from skinmodels.batch.rows import Row
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from skinmodels.report.numbers import figure
from skinmodels.report.words import HEADLINE, metric, title
from skinmodels.ui import ending
from skinmodels.ui.components.files import FilesInput, Upload, several
from skinmodels.ui.errors import shown

MOST_PICTURES = 1000
# An archive may also hold what is no picture; one that holds far more is no collection of pictures.
_MOST_MEMBERS = 20_000
_MOST_UNPACKED = 1024**3

# One batch at a time, in a queue of its own: whoever asks for one picture does not stand behind a thousand. It takes one
# thread and few pictures in one call, so that single predictions get their turn in between.
_QUEUE = "batch"
_AT_ONCE = 16
_WORKERS = 1

# Seconds between two looks at the table while it grows.
_BETWEEN = 1.0

_COLUMNS = ["File", "Model", "Highest", "Probability", "Malignancy", "Error"]
_WIDTHS: list[str | int] = ["200px", "160px", "110px", "110px", "110px", "520px"]
_WAITING = "Nothing classified yet: choose files, .zip archives or a folder, then click Run."
_NOTHING = "Nothing was classified. Choose files, .zip archives or a folder, then click Run."

# Browsers give the files of a folder as they lie on the disk.
_BY_NAME = "(chosen) => [chosen.sort((a, b) => (a.orig_name < b.orig_name ? -1 : 1))]"


def batch_tab() -> None:
    """Adds the tab to the Blocks being built, and its endpoint ``/batch``."""
    with gr.Tab("Batch", id="batch"):
        gr.Markdown(
            f"Up to {MOST_PICTURES:,} pictures at once, each file of at most 20 MB; one that cannot be read becomes a row with "
            "its error. With a CSV of labels (columns `file` and `label`, the model's own codes) the models are measured, too. "
            "`python -m skinmodels batch` does the same on your own machine, without a limit."
        )
        with gr.Row():
            with gr.Column(min_width=300):
                files = several(label="Pictures and .zip archives", height=200, elem_id="batch-files")
                folder = gr.UploadButton("Choose a folder instead", file_count="directory", size="sm")
                models = gr.CheckboxGroup(
                    [(spec.title, spec.name) for spec in MODELS.values()], value=list(MODELS), label="Models"
                )
            with gr.Column(min_width=300):
                labels = FilesInput(label="Labels (CSV, optional)", file_count="single", height=140, elem_id="batch-labels")
                with gr.Row():
                    run = gr.Button("Run", variant="primary", min_width=100)
                    cancel = gr.Button("Cancel", min_width=100)
                status = gr.HTML(_WAITING, elem_id="done-batch", container=True, padding=True)
                with gr.Row():
                    as_csv = gr.DownloadButton("Download CSV", interactive=False, min_width=100, size="md")
                    as_json = gr.DownloadButton("Download JSON", interactive=False, min_width=100, size="md")
        table = gr.Dataframe(
            headers=_COLUMNS, label="Answers", interactive=False, wrap=True, max_height=500, column_widths=_WIDTHS
        )
        words = gr.Markdown(elem_classes=["facts", "figures"])
        # For programs, which get rows of figures where people get a table.
        for_programs: list[Component] = [
            gr.JSON(label="Rows", visible=False),
            gr.File(label="CSV", visible=False),
            gr.File(label="JSON", visible=False),
            gr.JSON(label="Figures on the labels", visible=False),
        ]
        asked = gr.Button(visible=False)
        # Inside the tab: beside the tabs it would count as one of them, and the next one would be shown twice.
        kept = gr.State([], time_to_live=1800)

    inputs: list[Component] = [files, models, labels]
    outputs: list[Component] = [kept, status, table, as_csv, as_json, words]
    queue: dict[str, Any] = {"concurrency_id": _QUEUE, "concurrency_limit": 1}
    private: dict[str, Any] = {"api_visibility": "private"}
    asked.click(shown(batch), inputs, for_programs, api_name="batch", **queue)
    # Gradio draws over the status how many wait in front.
    started = run.click(shown(_growing), inputs, outputs, show_progress_on=status, **queue, **private)
    private["show_progress"] = "hidden"
    # Gradio takes a cancelled run for a failed one, too, at once or later: both end in the same.
    started.failure(shown(_stopped), [kept, labels], outputs, **private)
    cancel.click(None, cancels=[started], **private).then(shown(_stopped), [kept, labels], outputs, **private)
    folder.upload(None, folder, files, js=_BY_NAME, **private)


def batch(
    files: list[Upload],
    models: list[str] | None = None,
    labels: list[Upload] | None = None,
    progress: gr.Progress = gr.Progress(),
) -> Iterator[tuple]:
    """Probabilities of lesion classes for many pictures by many models. Research only, never a diagnosis.

    Args:
        files: Picture files and .zip archives of them, each at most 20 MB, with at most 1000 pictures in all.
        models: The models to ask, by name; all where left out.
        labels: A CSV with the columns file and label, to measure the models against; may be left out.

    Returns:
        A row for each picture and model with the picture's and the weights' SHA-256, the probabilities, their sum over
        malignant classes and the versions of the libraries, or one with the error of a picture that could not be read; the same
        rows as a CSV file and as a JSON file; where labels were given, accuracy, balanced accuracy, AUC and confusion matrix of
        each model.
    """
    known = _labels(labels)
    checked = _checked(models)
    pictures, _ = _pictures(files)
    answers: list[Row] = []
    for count in _answered(pictures, checked, answers):
        progress((count, len(pictures)), unit="pictures")
    with _written(answers) as paths:
        measured = _measured(answers, known)
        yield [rows.as_json(row) for row in answers], *map(str, paths), [asdict(its) for its in measured] or None


def _growing(files: list[Upload], models: list[str], labels: list[Upload] | None) -> Iterator[tuple]:
    """What ``batch`` finds for people: again and again the table so far, in the end all there is."""
    yield _nothing("Looking through the files.")
    known = _labels(labels)
    checked = _checked(models)
    pictures, passed_over = _pictures(files)
    yield _so_far([], 0, len(pictures))
    answers: list[Row] = []
    shown_at = time.monotonic()
    for count in _answered(pictures, checked, answers):
        if time.monotonic() - shown_at > _BETWEEN:
            yield _so_far(answers, count, len(pictures))
            shown_at = time.monotonic()
    yield from _finished(answers, known, _counted(answers, passed_over))


def _stopped(answers: list[Row], labels: list[Upload] | None) -> Iterator[tuple]:
    """After Cancel or a failure: the rows there are, to look at and to keep."""
    if answers:
        yield from _finished(answers, _labels(labels), f"Stopped. {_counted(answers, [])}")
    else:
        yield _nothing(_NOTHING)


def _answered(pictures: list[PictureFile], checked: Sequence[tuple[str, str]], answers: list[Row]) -> Iterator[int]:
    """Appends the rows to ``answers``; gives how many pictures they are of, each time one has all its rows."""
    count = 0
    with closing(engine.rows(pictures, checked, batch_size=_AT_ONCE, workers=_WORKERS)) as running:
        for row in running:
            answers.append(row)
            if not row.model or row.model == checked[-1][0]:
                count += 1
                yield count


def _nothing(status: str) -> tuple:
    off = gr.DownloadButton(value=None, interactive=False)
    return [], status, [], off, off, ""


def _so_far(answers: list[Row], count: int, of: int) -> tuple:
    """The list is copied: a cancelled run goes on for up to a second, and what people saw is what they keep."""
    return list(answers), _bar(count, of), _table(answers), gr.skip(), gr.skip(), ""


def _finished(answers: list[Row], known: Labels | None, status: str) -> Iterator[tuple]:
    with _written(answers) as paths:
        buttons = [gr.DownloadButton(value=str(path), interactive=True) for path in paths]
        measured = _measured(answers, known)
        yield answers, status, _table(answers), *buttons, _words(measured) if measured else ""


@contextmanager
def _written(answers: Sequence[Row]) -> Iterator[list[Path]]:
    """The rows as a CSV and a JSON file. Deleted once gradio has copied them to where it serves and deletes them itself."""
    with ending.temporary_folder() as folder:
        paths = [folder / f"skinmodels-batch{suffix}" for suffix in (".csv", ".json")]
        for path in paths:
            path.write_text("".join(rows.text(answers, _models(answers), path.suffix)), encoding="utf-8")
        yield paths


def _measured(answers: Sequence[Row], known: Labels | None) -> list[Figures]:
    return figures.figures(answers, _models(answers), known) if known else []


def _models(answers: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row.model for row in answers if row.model))


def _checked(models: list[str] | None) -> list[tuple[str, str]]:
    if models == []:
        raise SkinModelError("Expected at least one model. Received: none")
    return engine.check(models or MODELS)


def _labels(uploads: list[Upload] | None) -> Labels | None:
    return Labels(uploads[0].path) if uploads else None


def _pictures(uploads: list[Upload] | None) -> tuple[list[PictureFile], list[str]]:
    """All pictures in what was sent, each under a name of its own, and the names of what is none."""
    if not uploads:
        raise SkinModelError("Expected pictures: choose files, .zip archives or a folder.")
    passed_over: list[str] = []
    files = list(islice(_found(uploads, passed_over), MOST_PICTURES + 1))
    if len(files) > MOST_PICTURES:
        raise SkinModelError(
            f"Expected at most {MOST_PICTURES:,} pictures on the page. Received: more; python -m skinmodels batch has no limit."
        )
    if not files:
        raise SkinModelError(f"Expected pictures. Received: {len(passed_over)} files, none of them a picture by its ending.")
    return files, passed_over


def _found(uploads: list[Upload], passed_over: list[str]) -> Iterator[PictureFile]:
    seen: Counter[str] = Counter()
    for upload in uploads:
        if picture_files.is_archive(upload.name):
            prefix = f"{upload.name}/" if len(uploads) > 1 else ""
            found = picture_files.in_archive(upload.path, prefix, passed_over.append, _MOST_MEMBERS, _MOST_UNPACKED)
        elif picture_files.is_picture(upload.name) and not picture_files.is_hidden(upload.name):
            found = iter([PictureFile(upload.name, str(upload.path))])
        elif picture_files.is_hidden(upload.name):
            continue
        else:
            passed_over.append(upload.name)
            continue
        for file in found:
            # Browsers send the files of a folder without the folders' names.
            seen[file.name] += 1
            again = f" ({seen[file.name]})" if seen[file.name] > 1 else ""
            yield PictureFile(file.name + again, file.path, file.member)


def _bar(count: int, of: int) -> str:
    """How far it is, as HTML."""
    words = f"{count} of {of} pictures"
    return f'{words}<progress value="{count}" max="{of}" aria-label="{words}"></progress>'


def _counted(answers: Sequence[Row], passed_over: Sequence[str]) -> str:
    bad = sum(1 for row in answers if not row.model)
    good = len({row.file for row in answers}) - bad
    parts = [f"{good} {'picture' if good == 1 else 'pictures'} classified"]
    parts += [f"{bad} could not be read"] if bad else []
    parts += [f"{len(passed_over)} passed over, not named as pictures"] if passed_over else []
    return f"{'; '.join(parts)}."


def _table(answers: Sequence[Row]) -> list[list[Any]]:
    return [
        [
            row.file,
            row.model,
            row.top,
            "" if row.error else f"{row.probabilities[row.top]:.3f}",
            "" if row.malignancy is None else f"{row.malignancy:.3f}",
            row.error,
        ]
        for row in answers
    ]


def _words(measured: Sequence[Figures]) -> str:
    """The figures as Markdown."""
    lines = [
        "## Measured on your labels",
        "",
        f"| Model | Pictures | {' | '.join(title(metric(name)) for name in HEADLINE)} |",
        "|---|---|---|---|---|",
    ]
    for its in measured:
        shares = [figure(share, nothing="") for share in (its.accuracy, its.balanced_accuracy, its.auc)]
        lines.append(f"| `{its.model}` | {its.n} | {' | '.join(shares)} |")
    lines.append("")
    for its in measured:
        lines += [f"- `{its.model}`: {_plain(' '.join(said))}" for said in [figures.lines(its)] if said]
    for its in (its for its in measured if its.n):
        lines += ["", f"**`{its.model}`**: confusion matrix, true labels as rows", ""]
        lines += [f"| | {' | '.join(its.labels)} |", "|---" * (len(its.labels) + 1) + "|"]
        for label, counts in zip(its.labels, its.confusion_matrix, strict=True):
            lines.append(f"| {label} | {' | '.join(map(str, counts))} |")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """The text with everything that Markdown or HTML would take for more than text escaped."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>&~$:-])", r"\\\1", text)
