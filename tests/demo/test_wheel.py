"""What is installed from the wheel has all that the demo serves."""

import subprocess
import sys
import zipfile
from pathlib import Path

TOP = Path(__file__).parents[2]


def test_policies_examples_and_templates_are_in_the_wheel_once_each(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("hatchling")), "build", "-t", "wheel", "-d", str(tmp_path)]
    built = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    there = zipfile.ZipFile(wheel).namelist()
    assert len(there) == len(set(there))
    wanted = [f"avow/policies/{path.name}" for path in (TOP / "policies").glob("*.yaml")]
    for folder, inside in (
        ("examples", "avow/demo/given/examples"),
        ("src/avow/demo/templates", "avow/demo/templates"),
    ):
        names = [path.relative_to(TOP / folder) for path in (TOP / folder).rglob("*") if path.is_file()]
        wanted += [f"{inside}/{name}" for name in names if "__pycache__" not in name.parts]
    assert len(wanted) > 40
    assert set(wanted) - set(there) == set()
