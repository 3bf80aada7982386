"""What surrounds the code: README and its Space header, requirements, citation, and that they agree with the code."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

from skinmodels import cli
from skinmodels.registry import MODELS
from training import tables
from training.baselines import BASELINES

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "weights" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCS = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
# Another backend of Keras, imported where it runs alone.
BACKENDS = {"jax"}
# Builds of one release under another name.
SAME_RELEASE = {"tensorflow-cpu": "tensorflow"}


def pins(*files: str) -> dict[str, str]:
    """The lines of these requirements by distribution, names normalised."""
    found = {}
    for line in (line.strip() for file in files for line in (ROOT / file).read_text(encoding="utf-8").splitlines()):
        if line and not line.startswith(("#", "-r ")):
            requirement = line.partition(";")[0].strip()
            assert re.fullmatch(r"[A-Za-z0-9._-]+(\[[a-z]+\])?==[0-9][0-9A-Za-z.]*", requirement), f"{line!r} is not pinned"
            name, version = requirement.split("==")
            found[normalised(name.partition("[")[0])] = version
    return found


def normalised(distribution: str) -> str:
    name = re.sub(r"[-_.]+", "-", distribution).lower()
    return SAME_RELEASE.get(name, name)


def sources() -> list[Path]:
    return [
        ROOT / "app.py",
        *(file for folder in ("skinmodels", "training", "tests") for file in (ROOT / folder).rglob("*.py")),
    ]


def commands() -> list[str]:
    """The shell lines that README and docs quote."""
    blocks = re.findall(r"```bash\n(.*?)```", DOCS, flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


@pytest.fixture(scope="module")
def header() -> dict[str, Any]:
    assert README.startswith("---\n")
    return yaml.safe_load(README.split("---\n")[1])


def test_space_header(header):
    assert header["title"]
    assert header["sdk"] == "gradio"
    assert isinstance(header["python_version"], str)
    assert header["license"] == "apache-2.0"
    assert 0 < len(header["short_description"]) <= 60
    assert (ROOT / header["app_file"]).is_file()
    colours = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {header["colorFrom"], header["colorTo"]} <= colours


def test_space_header_names_the_gradio_that_is_pinned_and_installed(header):
    assert header["sdk_version"] == pins("requirements.txt")["gradio"] == importlib.metadata.version("gradio")


def test_requirements_cover_every_import():
    pinned, distributions = pins("requirements.txt", "requirements-dev.txt"), importlib.metadata.packages_distributions()
    own = {"app", "skinmodels", "training"} | {file.stem for file in (ROOT / "tests").rglob("*.py")}
    uncovered = set()
    for file in sources():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                modules = [node.module]
            for module in {name.split(".")[0] for name in modules} - sys.stdlib_module_names - own - BACKENDS:
                if not any(normalised(name) in pinned for name in distributions.get(module, [])):
                    uncovered.add(f"{module} ({file.relative_to(ROOT)})")
    assert not uncovered


def test_commands_name_what_exists():
    """Modules, scripts, options and models in the commands of README and docs."""
    seen = set()
    for line in commands():
        for words in (part.split() for part in line.split("&&")):
            while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                words = words[1:]
            if words[:1] != ["python"] or "venv" in words:
                continue
            if words[1:3] == ["-m", "skinmodels"]:
                cli._parser().parse_args(words[3:])
                continue
            if words[1] == "-m":
                module, arguments = words[2], words[3:]
                found = importlib.util.find_spec(module)
                assert found is not None, line
                assert found.origin is not None
                file = Path(found.origin)
            else:
                module, file, arguments = words[1], ROOT / words[1], words[2:]
                assert file.is_file(), line
            seen.add(module)
            text = file.read_text(encoding="utf-8")
            for option in (word for word in arguments if word.startswith("--")):
                assert f'"{option}"' in text, f"{module} has no option {option}: {line}"
            if arguments and not arguments[0].startswith("--"):
                assert arguments[0] in {*MODELS, *BASELINES}, line
    steps = ("train", "evaluate", "publish", "baselines", "optimisers", "figures", "latency", "tables", "cards", "reproduce")
    assert seen >= {"app.py", *(f"training.{step}" for step in steps)}
    assert "pip install -r requirements.txt && python app.py" in commands()
    assert "pip install -r requirements-dev.txt && pytest" in commands()


def test_every_model_is_named():
    assert [name for name in MODELS if f"`{name}`" not in README.partition(tables.SUMMARY_MARKS[0])[0]] == []
    trained = [name for name in MODELS if not any(f"training.train {name} " in line for line in commands())]
    assert trained == []


@pytest.mark.parametrize("file", [tables.README, tables.RESULTS], ids=lambda file: file.name)
def test_tables_are_up_to_date(file: Path):
    stale = "The tables are stale. Write them anew with: python -m training.tables"
    assert tables.updated(file) == file.read_text(encoding="utf-8"), stale


def test_the_readme_is_a_front_door():
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path):
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if "://" not in target and not (page.parent / target).is_file()] == []


def test_endpoints_are_documented():
    assert [spec.name for spec in MODELS.values() if f"`/{spec.dataset.key}`" not in DOCS] == []


def test_citation():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["license"] == "Apache-2.0"
    assert citation["message"]
    assert citation["title"]
    assert citation["authors"]
    papers = citation["references"]
    assert len(papers) == 5
    for paper in papers:
        assert paper["type"] == "article"
        assert paper["title"]
        assert all(author["given-names"] and author["family-names"] for author in paper["authors"])
    for spec in MODELS.values():
        if spec.paper is None:
            continue
        its = papers[spec.paper.number - 1]
        assert its["title"] in spec.paper.citation
        assert all(author["family-names"] in spec.paper.citation for author in its["authors"])
        assert spec.name in its["notes"]


def test_licences():
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "MobileNetV2" in (ROOT / "NOTICE").read_text(encoding="utf-8")
    terms = (ROOT / "weights" / "LICENSE.md").read_text(encoding="utf-8")
    assert [name for name in MODELS if f"`{name}.*`" not in terms] == []
    assert [spec.dataset.url for spec in MODELS.values() if spec.dataset.url not in terms] == []


def test_no_file_names_a_path_of_the_machine_it_was_made_on():
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        [git, "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stdout
    machine = re.compile("/(?:work|root)" + "/")
    found = []
    for name in filter(None, listed.split("\0")):
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # a picture or weights, or deleted and not yet committed
        if machine.search(text):
            found.append(name)
    assert found == []
