"""What README and CONTRIBUTING tell a stranger to type works as written."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.filterwarnings("ignore:score_samples ranks")


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_python_example(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks(README, "python")
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    frauds = names["gan"].sample(500, conditions={"fraud": 1, "amount": (100, 500)})
    assert (frauds["fraud"] == 1).all() and frauds["amount"].between(100, 500).all()
    assert names["same"].sample(20).equals(names["gan"].sample(20))


def test_shell_commands(tmp_path):
    from ganaug.datasets import make_transactions

    make_transactions(2_000, fraud_rate=0.05, random_state=0).to_csv(tmp_path / "payments.csv", index=False)
    (commands,) = blocks(README, "bash")
    for line in commands.strip().splitlines():
        program, *arguments = shlex.split(line)
        assert program == "ganaug"
        command = [sys.executable, "-c", "from ganaug.cli import main; main()", *arguments]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200)
        assert result.returncode == 0, (line, result.stderr)
    assert {"model", "synthetic.csv", "report.html"} <= {path.name for path in tmp_path.iterdir()}


def test_the_new_gan_of_contributing_plays():
    (code,) = blocks((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").replace("\n   ", "\n"), "python")
    names = {}
    exec(compile(code, "CONTRIBUTING.md", "exec"), names)
    import torch
    from torch import nn

    from ganaug.adversarial import (
        Batches,
        Budget,
        History,
        Run,
        TensorRecords,
        Trainer,
        TrainingSettings,
        make_generator,
    )

    game = names["GentleGame"](nn.Linear(2, 2), nn.Linear(2, 1), latent_dim=2)
    batches = Batches(TensorRecords(torch.randn(64, 2)), 16, make_generator(0), torch.device("cpu"))
    run = Run([History()])
    run.tell("on_fit_begin")
    Trainer(game, batches, run, Budget(max_steps=8), TrainingSettings(), 0).train()
    assert "generator/mean" in run.history[-1]


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
)
def test_links_lead_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", text):
        assert ((ROOT / name).parent / target).exists(), f"{name} links to {target}"


def test_the_makefile_has_what_readme_names():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make (\w+)", "".join(blocks(README, ""))):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


def test_every_figure_names_a_command_that_runs():
    """Figures in README and docs come from a command anyone can run: the named scripts exist and say how."""
    texts = [README, *(path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md"))]
    scripts = {script for text in texts for script in re.findall(r"python (benchmarks/(?:\w+/)*\w+\.py)", text)}
    assert "benchmarks/tabular.py" in scripts
    for script in scripts:
        result = subprocess.run([sys.executable, ROOT / script, "--help"], capture_output=True, text=True, timeout=120)
        assert result.returncode == 0, result.stderr
        assert f"python {script}" in result.stdout, f"{script} --help shows no command to copy"
