"""What pyproject.toml cannot say: the compiled extensions, and files from elsewhere that the wheel carries."""

import shutil
from glob import glob
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
CARRIED = {
    "images/*/requirements.lock": "jobs/_images/{folder}",
    "images/*/build.lock": "jobs/_images/{folder}",
    "images/*/smoke.py": "jobs/_images/{folder}",
    "specs/*.yaml": "jobs/_specs",
    "specs/schema.json": "jobs/_specs",
}
"""Where in the wheel they go: a local run builds the environments of its steps from the locks of the containers."""


class Build(build_py):
    """Starts from nothing, so that no file of an earlier build gets into a wheel; then adds what is carried."""

    def run(self) -> None:
        """Collect the packages; an editable install reads the tree itself and needs no copies."""
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        if self.editable_mode:
            return
        for pattern, folder in CARRIED.items():
            for source in sorted(ROOT.glob(pattern)):
                target = Path(self.build_lib, folder.format(folder=source.parent.name), source.name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)


def extensions() -> list[Extension]:
    """Every `.pyx` of the tree, for the stable ABI: one wheel serves the command line and the images."""
    return [
        Extension(
            file.removesuffix(".pyx").replace("/", "."),
            [file],
            define_macros=[("Py_LIMITED_API", "0x030A0000")],
            py_limited_api=True,
            include_dirs=[str(Path(file).parent)],
            depends=sorted(glob(f"{Path(file).parent}/*.h", root_dir=ROOT)),
            extra_compile_args=["-O3", "-fno-math-errno"],  # a square root that may set errno is no vector instruction
        )
        for file in sorted(glob("ernie_core/**/*.pyx", root_dir=ROOT, recursive=True))
    ]


setup(
    cmdclass={"build_py": Build},
    ext_modules=cythonize(extensions(), build_dir="build/cython", compiler_directives={"language_level": 3}),
    options={"bdist_wheel": {"py_limited_api": "cp310"}},
)
